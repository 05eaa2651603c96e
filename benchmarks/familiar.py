"""Does a model say where it does not fit? Pictures of other kinds that are told, and good ones told by mistake.

Other kinds are crops of the public sets of `../shared/data` (H&E in grey, brightfield, phase contrast), and made ones:
blank fields, noise, fluorescence out of focus, and fluorescence with light and dark exchanged, which counts as told
where it is doubted or inverted. Good ones are validation images.

    python benchmarks/familiar.py ../shared/data --model nuclei-fluo --each 40
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.read import open_image, write_table
from coverslip.samples import open_fields

_SIDE = 512
_PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def files(folder: Path) -> list[Path]:
    """The pictures below a folder that are no masks."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _PICTURES)
    return [path for path in found if not any(word in str(path).lower() for word in ("mask", "label", "scrib", "dapi"))]


def planes(path: Path) -> Iterator[np.ndarray]:
    """The grey planes ``(H, W)`` of a picture; the mean of colours."""
    image = open_image(path)
    pixels = image.read()
    if "C" in image.axes:
        pixels = pixels.astype(np.float32).mean(image.axes.index("C")).round().astype(pixels.dtype)
    yield from pixels.reshape(-1, *pixels.shape[-2:])


def crops(folders: list[Path], count: int, generator: np.random.Generator) -> list[np.ndarray]:
    """So many crops, spread evenly over the pictures of some folders."""
    each = [plane for folder in folders for path in files(folder) for plane in planes(path)]
    found = []
    for i in range(count):
        plane = each[i * len(each) // count]
        side = [min(_SIDE, length) for length in plane.shape]
        y, x = (int(generator.integers(0, length - s + 1)) for length, s in zip(plane.shape, side, strict=True))
        found.append(plane[y : y + side[0], x : x + side[1]])
    return found


def blank(generator: np.random.Generator) -> np.ndarray:
    """An empty field: shot noise on uneven light."""
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    light = generator.integers(50, 3000) * (1 - generator.uniform(0, 0.4) * (x**2 + y**2) / 2)
    return generator.poisson(light).astype(np.uint16)


def noise(generator: np.random.Generator) -> np.ndarray:
    """Noise of some grain."""
    grain = generator.choice([0, 0, 1, 2, 4])
    values = generator.normal(0, 1, (_SIDE, _SIDE))
    values = ndimage.gaussian_filter(values, grain) if grain else values
    return (1000 + generator.uniform(50, 200) * values / values.std()).clip(0, 65535).astype(np.uint16)


def good(folder: Path, count: int) -> list[np.ndarray]:
    """Validation images, spread evenly."""
    fields = open_fields(folder)
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]
    return [fields.pixels(int(row))[0] for row in rows]


def main() -> None:
    """Predict on every kind; print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="nuclei-fluo")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--kinds", nargs="*", help="only these")
    parser.add_argument("--out", type=Path, default=Path("familiar"))
    given = parser.parse_args()
    model, generator, n = cs.load(given.model), np.random.default_rng(0), given.each
    fluorescence = given.data / "bbbc039"
    kinds: dict[str, Callable[[], list[np.ndarray]]] = {
        "H&E": lambda: crops([given.data / "he_tiles", given.data / "brca_m2c"], n, generator),
        "brightfield": lambda: crops(
            [given.data / "spheroids_brightfield", given.data / "isl_transmitted_z"], n, generator
        ),
        "phase contrast": lambda: crops([given.data / "usiigaci_phase"], n, generator),
        "blank": lambda: [blank(generator) for _ in range(n)],
        "noise": lambda: [noise(generator) for _ in range(n)],
        "out of focus": lambda: [ndimage.gaussian_filter(one, 8) for one in good(fluorescence, n)],
        "inverted": lambda: [np.iinfo(one.dtype).max - one for one in good(fluorescence, n)],
        "good: BBBC039": lambda: good(fluorescence, 50),
        "good: DSB": lambda: good(given.data / "dsb2018_fluo", 49),
    }
    rows = []
    for kind, made in kinds.items():
        if given.kinds and kind not in given.kinds:
            continue
        found = cs.predict(model, ArrayFields(made()), device="cpu")
        doubted, inverted = (sum(map(bool, (getattr(one, name) for one in found))) for name in ("doubts", "inverted"))
        words = sorted({word for one in found for word in one.doubts})
        print(
            f"{kind:15}{len(found):4} images, {doubted:3} doubted, {inverted:3} inverted; {'; '.join(words)}",
            flush=True,
        )
        rows.append({"kind": kind, "images": len(found), "doubted": doubted, "inverted": inverted})
    write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, given.out / "familiar.csv")


if __name__ == "__main__":
    main()
