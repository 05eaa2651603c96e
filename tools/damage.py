"""Damage files in many ways and read them: each must give one sentence or a right reading.

    python tools/damage.py                       # 3000 copies of each kind
    python tools/damage.py --copies 300 --kinds h5ad zarr

A copy of a small result has one of its files cut, or bytes of it changed, zeroed, left out or repeated. It is read in a
process apart, where nothing may crash, run for more than 20 s, or take more than 2 GB. What is counted: sentences,
right readings, and *other* readings, where the damage shows in nothing but the values. These cannot be told in a CSV,
nor in compressed pixels without a checksum; where files carry one, they are a fault, as all else is. The seed makes a
failure come again: ``--only 17 --kinds h5ad`` reads that copy in this process.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import select
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from coverslip.core.errors import CoverslipError

SECONDS, BYTES = 20, 2 * 10**9
FAULTS = ("crash", "hang", "memory", "traceback", "other, in spite of a checksum")


class Kind(NamedTuple):
    """Something that is damaged.

    Parameters
    ----------
    make : callable
        Writes a small one: ``make(folder)`` gives its path.
    read : callable
        Reads it whole: ``read(path)`` gives what can be compared.
    checked : bool
        Whether every byte that is compared has a checksum.
    only : str
        Pattern of the files that are damaged, where it is a folder.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    checked: bool = False
    only: str = "*"


def _embedding(folder: Path) -> Path:
    from coverslip.core.results import Embedding
    from coverslip.read import write_embedding

    obs = {"image": np.array([f"{i}.tif" for i in range(40)], object), "label": np.array(["a", "b"] * 20, object)}
    latent = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    found = Embedding.from_arrays(latent, obs, provenance={"kind": "embedding", "inputs": {"n": 40}})
    return write_embedding(found, folder / "cells.h5ad")


def _embedding_of_others(folder: Path) -> Path:
    import anndata

    path = _embedding(folder)
    anndata.read_h5ad(path).write_h5ad(path)
    return path


def _read_embedding(path: Path) -> Any:
    from coverslip.read import read_embedding
    from coverslip.results import kind_of

    kind_of(path)
    found = read_embedding(path)
    return found.latent.tobytes(), found.adata.obs.to_csv()


def _zarr(folder: Path) -> Path:
    from coverslip.read import write_image_zarr

    pixels = np.random.default_rng(0).integers(0, 300, (90, 90)).astype(np.uint16)
    return write_image_zarr(pixels, folder / "a.zarr", chunk=64)


def _blosc(version: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import numcodecs
        import zarr

        codec = zarr.codecs.BloscCodec(typesize=2) if version == 3 else numcodecs.Blosc("lz4", 5, 1)
        path = folder / "a.zarr"
        array = zarr.create_array(
            path, shape=(90, 90), chunks=(64, 64), dtype="u2", zarr_format=version, compressors=codec
        )
        array[:] = np.random.default_rng(0).integers(0, 300, (90, 90))
        return path

    return make


def _read_image(path: Path) -> Any:
    from coverslip.io import open_image

    return open_image(path).read().tobytes()


def _model(folder: Path) -> Path:
    from coverslip.models import shipped

    return Path(shutil.copytree(shipped.find("nuclei-fluo"), folder / "model"))


def _read_model(path: Path) -> Any:
    from coverslip.models.loading import load

    found = load(path)
    return found.config, [array.tobytes() for array in found.weights.values()]


def _labels(folder: Path) -> Path:
    from coverslip.core.results import LabelMap
    from coverslip.read import write_image_tiff, write_label_folder

    rng = np.random.default_rng(0)
    rows, results = [], []
    for i in range(3):
        write_image_tiff(rng.integers(0, 900, (40, 40)).astype(np.uint16), folder / f"{i}.tif")
        labels = np.kron(rng.integers(0, 9, (5, 5)), np.ones((8, 8), int)).astype(np.uint8)
        rows.append({"image": f"{i}.tif", "group": "a"})
        results.append((LabelMap(labels, f"{i}.tif"), {"label": np.arange(1, 9), "area_px": np.arange(8.0)}))
    return write_label_folder(results, folder / "labels", rows, folder, provenance={"kind": "labels"}).path


def _read_labels(path: Path) -> Any:
    from coverslip.results import opened

    _, found = opened(path)
    objects = found.objects()
    read = [found.labels(i).labels.tobytes() for i in range(len(found))]
    return found.rows, read, None if objects is None else {key: column.tolist() for key, column in objects.items()}


def _sheet(folder: Path) -> Path:
    lines = [f"{i}.tif,{'ab'[i % 2]},{i / 7:.3f},µ{i}" for i in range(20)]
    path = folder / "sheet.csv"
    path.write_text("image,label,dose,note\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def _read_sheet(path: Path) -> Any:
    from coverslip.samples import check_sheet, read_sheet

    sheet = read_sheet(path)
    check_sheet(sheet, deep=False)
    return sheet.rows


KINDS = {
    "h5ad": Kind(_embedding, _read_embedding, checked=True),
    "h5ad-of-others": Kind(_embedding_of_others, _read_embedding),
    "zarr": Kind(_zarr, _read_image, checked=True, only="[0-9]"),
    "blosc": Kind(_blosc(2), _read_image, only="[0-9].[0-9]"),
    "blosc-3": Kind(_blosc(3), _read_image, only="[0-9]"),
    "model": Kind(_model, _read_model, checked=True),
    "labels": Kind(_labels, _read_labels),
    "sheet": Kind(_sheet, _read_sheet),
}


def damage(path: Path, only: str, rng: random.Random) -> None:
    """Damage one file of a result, or the file that it is."""
    files = sorted(file for file in path.rglob(only) if file.is_file()) if path.is_dir() else [path]
    file = rng.choice(files)
    data = bytearray(file.read_bytes())
    at = rng.randrange(len(data))
    if rng.random() < 0.3:
        at = min(rng.randrange(512), len(data) - 1)  # headers lie in front
    end = min(at + rng.choice((1, 4, 16, 300)), len(data))
    ways: tuple[Callable[[], Any], ...] = (
        lambda: data.__setitem__(at, data[at] ^ 1 << rng.randrange(8)),
        lambda: data.__setitem__(at, rng.randrange(256)),
        lambda: data.__setitem__(slice(at, end), bytes(end - at)),
        lambda: data.__setitem__(slice(at, end), b"\xff" * (end - at)),
        lambda: data.__setitem__(slice(at, end), rng.randbytes(end - at)),
        lambda: data.__delitem__(slice(at, end)),
        lambda: data.__delitem__(slice(at, None)),
        lambda: data.__setitem__(slice(at, at), data[at:end]),
    )
    rng.choice(ways)()
    file.write_bytes(data)


def outcome(kind: Kind, good: Path, right: Any, number: int, seed: int) -> str:
    """What comes of reading copy `number`."""
    with TemporaryDirectory(dir=good.parent.parent) as folder:
        path = Path(folder) / good.name
        if good.is_dir():
            shutil.copytree(good.parent, folder, dirs_exist_ok=True)
        else:
            shutil.copy(good, path)
        damage(path, kind.only, random.Random(f"{seed} {number}"))
        try:
            same = kind.read(path) == right
        except CoverslipError as error:
            return "sentence" if "\n" not in str(error) else "traceback"
        except Exception:
            traceback.print_exc()
            return "traceback"
    if _peak() > BYTES:
        return "memory"
    return "right" if same else "other, in spite of a checksum" if kind.checked else "other"


def _peak() -> int:
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def outcomes(kind: Kind, folder: Path, copies: int, seed: int) -> Iterator[tuple[int, str]]:
    """Each copy and what came of it; a process that crashes or hangs is replaced by another."""
    (folder / "good").mkdir()
    good = kind.make(folder / "good")
    right = kind.read(good)
    number = 0
    while number < copies:
        read_end, write_end = os.pipe()
        child = os.fork()
        if not child:
            os.close(read_end)
            for index in range(number, copies):
                os.write(write_end, f"{outcome(kind, good, right, index, seed)}\n".encode())
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb", buffering=0) as pipe:
            while number < copies:
                ready, _, _ = select.select([pipe], [], [], SECONDS)
                line = pipe.readline() if ready else b""
                if not line:
                    yield number, "hang" if not ready else "crash"
                    number += 1
                    break
                yield number, line.decode().strip()
                number += 1
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def main() -> int:
    """Damage all kinds; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=3000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="read this copy alone, in this process")
    arguments = parser.parse_args()
    failed = False
    for name in arguments.kinds:
        kind, counts, places = KINDS[name], Counter[str](), dict[str, int]()
        with TemporaryDirectory() as folder:
            if arguments.only is not None:
                (Path(folder) / "good").mkdir()
                good = kind.make(Path(folder) / "good")
                print(name, arguments.only, outcome(kind, good, kind.read(good), arguments.only, arguments.seed))
                continue
            for number, found in outcomes(kind, Path(folder), arguments.copies, arguments.seed):
                counts[found] += 1
                places.setdefault(found, number)
        print(f"{name}: " + ", ".join(f"{count} {found}" for found, count in counts.most_common()), flush=True)
        for fault in set(counts) & set(FAULTS):
            print(f"  the first {fault}: --only {places[fault]} --kinds {name} --seed {arguments.seed}")
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
