"""Kill commands at many moments and run them again: the results must be those of a run that nobody killed.

    python tools/kills.py ../shared/data/bbbc039/sheet.csv --moments 40

Every verb that writes is run once in peace, then again and again: killed (SIGKILL, with all of its processes) after a
random share of its time, and run once more as a user would, with ``--resume`` where there is one, else with
``--force``. Counted are results that differ, and hidden or unfinished things that are left.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

_TINY = ["--set", "epochs=4", "--set", "latent=2", "--set", "width=4", "--device", "cpu", "--precision", "fp32"]


_OF_TIMES = ("made", "sha256", "weights_sha256")


class Verb(NamedTuple):
    """A command, what it writes, and how it is repeated after a kill."""

    words: list[str]
    out: str
    again: str = "--force"


def verbs() -> dict[str, Verb]:
    """All verbs that write, in an order in which each finds what it reads."""
    return {
        "make": Verb(["samples", "make", "fields"], "made.csv"),
        "split": Verb(["samples", "split", "few.csv", "--by", "image"], "split.csv"),
        "tile": Verb(["samples", "tile", "few.csv", "--grid", "2x2"], "tiles"),
        "crop": Verb(["samples", "crop", "few.csv", "--size", "32"], "crops"),
        "fit": Verb(["fit", "vae", "crops", *_TINY], "model", "--resume"),
        "predict": Verb(["predict", "model", "crops"], "cells.h5ad", "--resume"),
        "labels": Verb(["predict", "nuclei-fluo", "few.csv"], "labels", "--resume"),
        "zarr": Verb(["predict", "nuclei-fluo", "fields/0.tif"], "labels.zarr", "--resume"),
        "objects": Verb(["predict", "nuclei-fluo-kaizen", "small.csv"], "objects", "--resume"),
        "evaluate": Verb(["evaluate", "labels"], "measures.csv"),
        "report": Verb(["report", "labels"], "report.html"),
        "export": Verb(["export", "labels", "--geojson"], "outlines"),
        "sweep": Verb(["study", "sweep", "vae", "crops", "--over", "latent=2,3", *_TINY[:2], *_TINY[4:8]], "sweep", ""),
    }


def prepare(sheet: Path, folder: Path) -> None:
    """Small fields with masks, to work on."""
    from coverslip.io import open_image, read_labels, write_image_tiff, write_labels
    from coverslip.samples import read_sheet

    whole = read_sheet(sheet)
    rows = []
    for i in range(3):
        image, mask = whole.file(i), whole.file(i, "mask")
        assert image is not None
        assert mask is not None
        write_image_tiff(np.asarray(open_image(image).read())[..., :256, :256], folder / "fields" / f"{i}.tif")
        write_labels(read_labels(mask).labels[:256, :256], folder / "masks" / f"{i}.tif")
        rows.append(f"fields/{i}.tif,masks/{i}.labels.tif")
    (folder / "few.csv").write_text("\n".join(["image,mask", *rows]) + "\n")
    (folder / "small.csv").write_text("image\nfields/0.tif\n")


def start(verb: Verb, folder: Path, *more: str) -> subprocess.Popen[str]:
    """Begin a command, with all its processes in a group of their own."""
    return subprocess.Popen(
        [sys.executable, "-m", "coverslip", *verb.words, "--out", verb.out, *filter(None, more)],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def content(path: Path) -> dict[str, str]:
    """What each file of a result says, as a hash; pages and pictures only that they are there."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {
        str(file.relative_to(path.parent)): hashlib.sha256(_said(file)).hexdigest() for file in files if file.is_file()
    }


def _said(file: Path) -> bytes:
    if file.suffix == ".json":
        return json.dumps(_timeless(json.loads(file.read_text())), sort_keys=True).encode()
    if file.suffix == ".safetensors":  # its header names the hash of settings and facts, whose times differ
        from coverslip.read import read_tensors

        return b"".join(name.encode() + array.tobytes() for name, array in sorted(read_tensors(file)[0].items()))
    if file.name in ("history.csv", "sweep.csv"):
        from coverslip.read import read_table

        return repr({k: v.tolist() for k, v in read_table(file).items() if k != "seconds"}).encode()
    if file.suffix in (".tif", ".tiff"):
        import tifffile

        return tifffile.imread(file).tobytes()
    if file.suffix == ".h5ad":
        from coverslip.read import read_embedding

        found = read_embedding(file)
        return found.latent.tobytes() + found.adata.obs.to_csv().encode()
    if file.suffix == ".parquet":
        from coverslip.read import read_table

        return repr({key: column.tolist() for key, column in read_table(file).items()}).encode()
    if file.name == ".zattrs":
        return json.dumps(_timeless(json.loads(file.read_text())), sort_keys=True).encode()
    return b"" if file.suffix in (".html", ".png", ".md") else file.read_bytes()


def _timeless(facts: Any) -> Any:
    if isinstance(facts, dict):
        return {key: _timeless(value) for key, value in facts.items() if key not in _OF_TIMES}
    return [_timeless(value) for value in facts] if isinstance(facts, list) else facts


def litter(folder: Path) -> Iterator[Path]:
    """Hidden and unfinished things."""
    for path in folder.rglob("*"):
        hidden = path.name.startswith((".new-", ".old-", ".lock-"))
        if hidden or path.name.endswith((".fitting", ".predicting")):
            yield path


def _place(verb: Verb, folder: Path) -> Path:
    return folder / verb.out


def _removed(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def main() -> int:
    """Kill, run again and compare; 1 if anything differs or is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path, help="a sheet of fluorescence fields with masks")
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--verbs", nargs="+", choices=verbs(), default=list(verbs()))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, faults = random.Random(arguments.seed), 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        prepare(arguments.sheet, folder)
        right, took = {}, {}
        for key, verb in verbs().items():
            began = time.perf_counter()
            process = start(verb, folder)
            said = process.communicate()[0]
            if process.returncode:
                raise SystemExit(f"{key} ended with {process.returncode}: {said}")
            right[key], took[key] = content(_place(verb, folder)), time.perf_counter() - began
        for moment in range(arguments.moments):
            key = arguments.verbs[moment % len(arguments.verbs)]
            verb = verbs()[key]
            replaces = bool(verb.again) and rng.random() < 0.5
            if not replaces:
                _removed(_place(verb, folder))
            process = start(verb, folder, "--force" if replaces else "")
            time.sleep(took[key] * rng.uniform(0.2, 1.05))
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            # Begun in place of another one, it is unfinished only where its folder says so.
            resumed = verb.again if not replaces or verb.again == "--force" else "--force"
            process = start(verb, folder, resumed)
            said = process.communicate()[0].strip()
            found, left = content(_place(verb, folder)), [path.name for path in litter(folder)]
            ended = "equal" if found == right[key] and not left and not process.returncode else "DIFFERENT"
            faults += ended != "equal"
            print(f"{moment:3d} {key:9} {'replacing' if replaces else 'new':10} {resumed:9} {ended}", flush=True)
            if ended != "equal":
                wrong = sorted(set(found.items()) ^ set(right[key].items()))
                print(f"    {process.returncode} {said.splitlines()[-1:]}, {wrong[:3]}, left: {left}")
    print(f"{arguments.moments} kills, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
