"""How much of H&E is left at a rate: the learned codec beside JPEG, JPEG 2000, JPEG XL, AVIF and WebP.

    python benchmarks/rate_distortion.py tiles.csv --model slide-codec --out benchmarks/results/rate_distortion.csv

The sheet names images; of each the middle square of 512² pixels is taken (``--tile``), or as much as there is. The
others are given every chance: each at its full resolution and after shrinking by 2 and by 4 (Lanczos there, bicubic
back). All bytes of a stream with its headers count; of ours, those of a tile as it lies in a store (checksum, length).
Each tile has its own curve, on which measures at a rate are interpolated over the log of the bits; numbers are means
over tiles with bootstrap intervals. BD-rates are of the mean curves, from .05 to 1 bit per pixel. With ``--curves``
what was coded is kept, and not coded again; ``--model none`` codes only the others.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import coverslip as cs
from coverslip.core import track
from coverslip.io import open_slide
from coverslip.measure import bootstrap, ms_ssim, psnr, ssim

TARGETS = {"1:512": 24 / 512, "1:256": 24 / 256, "1:128": 24 / 128, "1:48": 24 / 48}
GRID = np.geomspace(0.05, 1, 12)
MEASURES = ("PSNR", "SSIM", "MS-SSIM")
LEVELS = (0, 2, 4, 8, 12, 15, 18, 21, 24, 28, 32)

Curve = list[tuple[float, float, float, float]]
"""Bits per pixel, PSNR, SSIM, MS-SSIM."""


def codecs() -> dict[str, tuple[Callable[[np.ndarray, float], bytes], Callable[[bytes], np.ndarray], list[float]]]:
    """Encoder, decoder and qualities of the others."""
    import imagecodecs as ic

    return {
        "JPEG": (lambda a, q: ic.jpeg8_encode(a, level=int(q), optimize=True), ic.jpeg8_decode, [3, 8, 15, 30, 55, 80]),
        "JPEG 2000": (
            lambda a, q: ic.jpeg2k_encode(a, level=q, reversible=False),
            ic.jpeg2k_decode,
            [17, 20, 23, 26, 29, 33],
        ),
        "JPEG XL": (lambda a, q: ic.jpegxl_encode(a, distance=q, effort=7), ic.jpegxl_decode, [20, 13, 8, 5, 3, 1.5]),
        "AVIF": (
            lambda a, q: ic.avif_encode(a, level=int(q), speed=5, pixelformat="420", numthreads=1),
            ic.avif_decode,
            [4, 16, 30, 44, 58, 72],
        ),
        "WebP": (
            lambda a, q: ic.webp_encode(a, level=q, lossless=False, method=6),
            ic.webp_decode,
            [0, 10, 25, 50, 75, 90],
        ),
    }


def scored(before: np.ndarray, after: np.ndarray, size: int) -> tuple[float, float, float, float]:
    x, y = (each.transpose(2, 0, 1)[None] for each in (before, after))
    found = (measure(x, y, data_range=255) for measure in (psnr, ssim, ms_ssim))
    bits = 8 * size / (before.shape[0] * before.shape[1])
    return (bits, *(float(value[0]) for value in found))  # type: ignore[return-value]


def of_others(tile: np.ndarray, names: list[str]) -> Iterator[tuple[str, Curve]]:
    from PIL import Image

    height, width = tile.shape[:2]
    for shrunk in (1, 2, 4):
        size = width // shrunk, height // shrunk
        small = tile if shrunk == 1 else np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.LANCZOS))
        for name in names:
            encode, decode, qualities = codecs()[name]
            curve = []
            for quality in qualities:
                data = encode(small, quality)
                back = np.asarray(decode(data))[..., :3]
                if shrunk > 1:
                    back = np.asarray(Image.fromarray(back).resize((width, height), Image.Resampling.BICUBIC))
                curve.append(scored(tile, back, len(data)))
            yield name if shrunk == 1 else f"{name}, shrunk {shrunk} x", curve


def of_ours(tile: np.ndarray, coders: list[object]) -> Curve:
    curve = []
    for coder in coders:
        back, size = coder.there_and_back(tile)  # type: ignore[attr-defined]
        curve.append(scored(tile, back, size + 4))
    return curve


def at(curve: Curve, bits: float, column: int) -> float:
    """A measure at a rate; NaN where the curve does not reach as low."""
    points = np.array(sorted(curve))
    if not points[0, 0] <= bits * 1.02 or bits > points[-1, 0]:
        return np.nan
    return float(np.interp(np.log(bits), np.log(points[:, 0]), points[:, column]))


def best(curves: dict[str, list[Curve]]) -> dict[str, list[Curve]]:
    """Each of the others with, at each rate, whatever shrinking is best: the upper hull of its three curves."""
    found = {}
    for name in [name for name in codecs() if name in curves]:
        own = [curves[key] for key in curves if key == name or key.startswith(f"{name}, ")]
        found[f"{name}, best"] = [_hull(each) for each in zip(*own, strict=True)]
    return found


def _hull(several: tuple[Curve, ...]) -> Curve:
    lowest = max(min(min(c)[0] for c in several), 1e-3)
    rates = np.geomspace(lowest, 3, 60)
    hull = []
    for bits in rates:
        values = [[at(curve, bits, k) for k in (1, 2, 3)] for curve in several]
        if np.isfinite(np.array(values)[:, 0]).any():
            hull.append((float(bits), *np.nanmax(values, 0).tolist()))
    return hull


def bd_rate(ours: list[Curve], theirs: list[Curve], column: int) -> float:
    """By how many percent ours is smaller (negative) at equal quality: mean over the qualities that both reach."""
    mean = [np.array([np.nanmean([at(c, b, column) for c in each]) for b in GRID]) for each in (ours, theirs)]
    kept = np.isfinite(mean[0]) & np.isfinite(mean[1])
    one, two = (np.maximum.accumulate(m[kept]) for m in mean)
    logs = np.log(GRID[kept])
    low, high = max(one[0], two[0]), min(one[-1], two[-1])
    if high <= low:
        return np.nan
    qualities = np.linspace(low, high, 200)
    return float(100 * (np.exp(np.mean(np.interp(qualities, one, logs) - np.interp(qualities, two, logs))) - 1))


def rate_at(curves: list[Curve], column: int, value: float) -> float:
    means = np.array([np.nanmean([at(c, b, column) for c in curves]) for b in np.geomspace(0.03, 2.5, 60)])
    kept = np.isfinite(means)
    rates = np.geomspace(0.03, 2.5, 60)[kept]
    rising = np.maximum.accumulate(means[kept])
    return float(np.exp(np.interp(value, rising, np.log(rates)))) if rising[0] <= value <= rising[-1] else np.nan


def tiles_of(sheet: Path, side: int) -> Iterator[tuple[str, np.ndarray]]:
    with open(sheet) as stream:
        for row in csv.DictReader(stream):
            slide = open_slide(sheet.parent / row["image"])
            height, width = min(side, slide.height), min(side, slide.width)
            y, x = int(row.get("y") or (slide.height - height) // 2), int(row.get("x") or (slide.width - width) // 2)
            yield f"{row['image']} {y} {x}", slide.read(cs.Region(y, x, height, width))[..., :3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--model", default="slide-codec")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--curves", type=Path, help="a .json to keep the curves of each tile in")
    parser.add_argument("--others", default=",".join(codecs()), help="which of them; empty: none")
    asked = parser.parse_args()
    curves = all_curves(asked)
    if "ours" not in curves:
        return
    curves |= best(curves)
    rows = list(table(curves))
    for row in rows:
        print(row)
    for name in curves:
        if name.endswith("best"):
            rates = [
                f"{measure} {bd_rate(curves['ours'], curves[name], k + 1):+.1f} %" for k, measure in enumerate(MEASURES)
            ]
            print(f"BD-rate against {name}: {', '.join(rates)}")
    print("bits per pixel at SSIM .95:", {n: round(rate_at(c, 2, 0.95), 3) for n, c in curves.items()})
    if asked.out is not None:
        with open(asked.out, "w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def all_curves(asked: argparse.Namespace) -> dict[str, list[Curve]]:
    """The curves of all codecs, tile by tile; those that are kept are not made again."""
    kept = json.loads(asked.curves.read_text()) if asked.curves is not None and asked.curves.exists() else {}
    model = None if asked.model == "none" else cs.load(asked.model)
    ours = None if model is None else f"ours {model.provenance.get('weights_sha256')}"
    coders = [] if model is None else [model.implementation.Coder(model, level) for level in LEVELS]
    others = [name for name in asked.others.split(",") if name]
    curves: dict[str, list[Curve]] = {}
    for name, tile in track(list(tiles_of(asked.sheet, asked.tile)), "Coding"):
        own = kept.setdefault(f"{name} {asked.tile}", {})
        if ours is not None and ours not in own:
            own[ours] = of_ours(tile, coders)
        missing = [other for other in others if f"{other}, shrunk 4 x" not in own]
        own.update(of_others(tile, missing))
        if asked.curves is not None:
            asked.curves.write_text(json.dumps(kept))
        found = {"ours": own[ours]} if ours is not None else {}
        found |= {key: curve for key, curve in own.items() if key.split(", ")[0] in others}
        for key, curve in found.items():
            curves.setdefault(key, []).append([tuple(point) for point in curve])
    return curves


def table(curves: dict[str, list[Curve]]) -> Iterator[dict[str, object]]:
    for name, own in curves.items():
        for target, bits in TARGETS.items():
            for k, measure in enumerate(MEASURES):
                values = np.array([at(curve, bits, k + 1) for curve in own])
                kept = values[np.isfinite(values)]
                if len(kept) < 2:
                    continue
                found = bootstrap(lambda v: float(v.mean()), kept, seed=0)
                yield {
                    "codec": name,
                    "ratio": target,
                    "measure": measure,
                    "value": round(found.value, 4),
                    "low": round(found.low, 4),
                    "high": round(found.high, 4),
                    "tiles": len(kept),
                    "of": len(values),
                }


if __name__ == "__main__":
    main()
