"""What a nucleus segmenter loses on decoded tiles: the learned codec beside AVIF at equal bytes.

    python benchmarks/nuclei_after_decoding.py ../shared/data nuclei_after_decoding.csv

Of each image of MoNuSeg, which neither model learned from, the middle square of 512² is coded at each rate: ours at
the finest level that fits, AVIF at the best of its qualities that fit, shrunk by 1, 2 or 4. Nuclei are found in what
comes back with `he-nuclei` (not adapted), and compared with the annotation (AJI) and with those found in the original
(agreement, AJI). What is lost is the difference of AJI on the same tiles, with bootstrap intervals over tiles. Tiles
that the table holds already are not measured again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.core import Region, track
from coverslip.io import open_slide, read_table
from coverslip.measure import bootstrap
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from rate_distortion import TARGETS, codecs, scored

SIDE = 512
COLUMNS = ("image", "codec", "ratio", "bytes", "aji", "agreement", "PSNR")


def finest(coders: list[Any], tile: np.ndarray, allowed: float) -> tuple[np.ndarray, int]:
    """What a tile becomes at the finest level whose bytes fit."""
    latents = coders[0].latents(tile)
    low, high = 0, len(coders) - 1
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if len(coders[half].encode(latents)[0]) + 4 <= allowed else (low, half - 1)
    stream, decoded = coders[low].encode(latents)
    return coders[low].pixels(decoded, *(slice(0, n) for n in decoded.shape[1:])), len(stream) + 4


def by_avif(tile: np.ndarray) -> list[tuple[int, bytes]]:
    """All that AVIF makes of a tile, at three sizes: bytes, and the stream."""
    from PIL import Image

    encode = codecs()["AVIF"][0]
    sizes = [tile.shape[0] // shrunk for shrunk in (1, 2, 4)]
    small = [np.asarray(Image.fromarray(tile).resize((size,) * 2, Image.Resampling.LANCZOS)) for size in sizes]
    return [(size, encode(each, q)) for size, each in zip(sizes, small, strict=True) for q in range(2, 74, 6)]


def best_avif(streams: list[tuple[int, bytes]], tile: np.ndarray, allowed: float) -> tuple[np.ndarray, int]:
    """Of them the one that fits and loses least."""
    from PIL import Image

    found: list[tuple[float, np.ndarray, int]] = []
    for size in {size for size, _ in streams}:
        fitting = [stream for own, stream in streams if own == size and len(stream) <= allowed]
        if fitting:
            back = Image.fromarray(np.asarray(codecs()["AVIF"][1](max(fitting, key=len)))[..., :3])
            pixels = np.asarray(back.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            error = np.square(pixels.astype(float) - tile).mean()
            found.append((float(error), pixels, len(max(fitting, key=len))))
    _, pixels, size = min(found, key=lambda one: one[0])
    return pixels, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="slide-codec")
    parser.add_argument("--images", type=int, help="so many more at most")
    asked = parser.parse_args()
    model, segmenter = cs.load(asked.model), cs.load("he-nuclei")
    coders = [model.implementation.Coder(model, level) for level in range(model.implementation.Coder(model, 0).levels)]

    def nuclei(tile: np.ndarray) -> np.ndarray:
        return np.asarray(cs.predict(segmenter, tile.transpose(2, 0, 1).copy(), device="cpu", adapt="none").labels)

    done = set(read_table(asked.out)["image"]) if asked.out.exists() and asked.out.stat().st_size else set()
    sheet = asked.data / "monuseg" / "sheet.csv"
    with sheet.open() as stream:
        rows = [row for row in csv.DictReader(stream) if Path(row["image"]).stem not in done][: asked.images]
    with asked.out.open("a", newline="") as stream:
        writer = csv.writer(stream)
        for row in track(rows, "Measuring"):
            found = list(of_image(sheet.parent, row, coders, nuclei))
            writer.writerows(found if stream.tell() else [COLUMNS, *found])
            stream.flush()
    said(read_table(asked.out))


def of_image(folder: Path, row: dict[str, str], coders: list[Any], nuclei: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The rows of an image: found in the original, then at each rate of each codec."""
    slide = open_slide(folder / row["image"])
    region = Region((slide.height - SIDE) // 2, (slide.width - SIDE) // 2, SIDE, SIDE)
    tile = slide.read(region)[..., :3]
    truth = cs.read.read_labels(folder / row["mask"]).labels[region.slices]
    name, before = Path(row["image"]).stem, nuclei(tile)

    def line(codec: str, ratio: str, pixels: np.ndarray, size: int) -> tuple[Any, ...]:
        found = nuclei(pixels)
        values = [aggregated_jaccard(overlap(other, found)) for other in (truth, before)]
        return name, codec, ratio, size, *values, scored(tile, pixels, size)[1]

    yield name, "none", "1:1", tile.size, aggregated_jaccard(overlap(truth, before)), 1.0, float("inf")
    streams = by_avif(tile)
    for ratio, bits in TARGETS.items():
        allowed = bits * SIDE * SIDE / 8
        yield line("ours", ratio, *finest(coders, tile, allowed))
        yield line("AVIF", ratio, *best_avif(streams, tile, allowed))


def said(table: Any) -> None:
    """Print means over tiles, and what is lost."""
    codec, ratio = (np.asarray(table[name]) for name in ("codec", "ratio"))
    aji, agreement = (np.asarray(table[name], float) for name in ("aji", "agreement"))
    whole = aji[codec == "none"]
    print(f"original: AJI {whole.mean():.3f} on {len(whole)} tiles")
    for name in ("ours", "AVIF"):
        for rate in TARGETS:
            own = (codec == name) & (ratio == rate)
            lost = bootstrap(lambda v: float(v.mean()), whole - aji[own], seed=0)
            words = f"{name} {rate}: AJI {aji[own].mean():.3f}, lost {lost.value:.3f} [{lost.low:.3f}, {lost.high:.3f}]"
            print(f"{words}, agreement {agreement[own].mean():.3f}")


if __name__ == "__main__":
    main()
