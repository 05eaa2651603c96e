"""The table of objects and their outlines, timed against scikit-image, which gives the same numbers.

2,000 round objects in 1024 x 1024 pixels and 20,000 in 4096 x 4096, one channel of 16 bits. Both run in this process,
in interleaved rounds on the same arrays; processor time is taken (set OMP_NUM_THREADS=1). The ratio is that of the
medians, and its spread that of the rounds' ratios. The numbers are compared too: one that differs stops the program.

- *table*: `object_table` against `skimage.measure.regionprops_table` of the same measures.
- *outlines*: `trace_outlines` against `skimage.measure.find_contours` of each object in its box, as annotation tools do
  it (whose lines run half a pixel inside the edges, so that they are no substitute; only the time is compared).

    python benchmarks/object_tables.py --out benchmarks/results/object_tables.csv
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import find_contours, regionprops, regionprops_table

from coverslip.measure import object_table
from coverslip.read import trace_outlines

SAME = {
    "area": "area_px",
    "perimeter": "perimeter_px",
    "solidity": "solidity",
    "axis_major_length": "major_axis_px",
    "intensity_mean": "intensity_mean",
    "intensity_std": "intensity_std",
}
MEASURED = (*SAME, "label", "centroid", "bbox", "equivalent_diameter_area", "axis_minor_length", "eccentricity")
MEASURED = (*MEASURED, "orientation", "intensity_min", "intensity_max")


def blobs(objects: int, size: int, seed: int) -> np.ndarray:
    """Round objects with ragged outlines on a grid."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(objects)))
    step = size / side
    cell = (np.arange(size) // step).astype(int)
    number = cell[:, None] * side + cell[None]
    middle = (np.arange(size) % step) - step / 2
    ragged = rng.normal(0, 0.15 * step, (size, size))
    inside = middle[:, None] ** 2 + middle[None] ** 2 < (0.36 * step) ** 2 + ragged
    return np.where(inside & (number < objects), number + 1, 0).astype(np.int32)


def their_table(labels: np.ndarray, pixels: np.ndarray) -> dict[str, np.ndarray]:
    return regionprops_table(labels, pixels, properties=MEASURED)


def their_outlines(labels: np.ndarray, _: np.ndarray) -> int:
    return sum(len(find_contours(np.pad(one.image, 1), 0.5)) for one in regionprops(labels))


def our_outlines(labels: np.ndarray, _: np.ndarray) -> int:
    return sum(len(part) for outline in trace_outlines(labels) for part in outline.parts)


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = []
    for objects, size in ((2_000, 1024), (20_000, 4096)):
        labels = blobs(objects, size, 0)
        pixels = np.random.default_rng(1).integers(0, 65_535, labels.shape).astype(np.uint16)
        for what, ours, theirs in (
            ("table", object_table, their_table),
            ("outlines", our_outlines, their_outlines),
        ):
            times = []
            for _ in range(given.rounds):
                (mine, found), (other, expected) = timed(ours, labels, pixels), timed(theirs, labels, pixels)
                times.append((mine, other))
                if what == "table":
                    for name, column in SAME.items():
                        np.testing.assert_allclose(found[column], expected[name], rtol=1e-7)
            mine, other = np.median(times, axis=0)
            ratios = [theirs_s / ours_s for ours_s, theirs_s in times]
            rows.append(
                {
                    "what": what,
                    "objects": len(np.unique(labels)) - 1,
                    "pixels": f"{size} x {size}",
                    "coverslip_s": f"{mine:.3f}",
                    "scikit_image_s": f"{other:.3f}",
                    "ratio": f"{other / mine:.1f}",
                    "spread": f"{(max(ratios) - min(ratios)) / (other / mine):.0%}",
                }
            )
            print(rows[-1], flush=True)
    if given.out is not None:
        with given.out.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
