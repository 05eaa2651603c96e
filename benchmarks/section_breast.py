"""Cells of stained breast tissue, three types marked by points: what is found, and what it is called.

    python benchmarks/section_breast.py model/ ../shared/data/brca_m2c --out benchmarks/results/section_breast.csv

The model is fitted to the training tiles of BRCA-M2C (settings in results/README.md); points become squares of one
side. Measured are the validation tiles, of other patients: middles are matched within 12 pixels (6 µm) and 6 pixels,
the nearest pairs first, intervals over patients. Beside it stands `he-nuclei`, which finds nuclei without an
annotation; all of these are called by the most frequent type.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import regionprops

import coverslip as cs
from coverslip.core import Detections
from coverslip.results.detections.evaluation import measured
from coverslip.results.detections.truth import Judged
from coverslip.samples import open_fields, read_sheet
from coverslip.samples.opening.marked import marks_of

CLASSES = ("lymphocyte", "stromal", "tumour_or_epithelial")


def nuclei(model: cs.Model, pixels: np.ndarray) -> Detections:
    """Nuclei that `he-nuclei` outlines, all of the most frequent type."""
    found = regionprops(cs.predict(model, pixels, device="cpu").labels)
    boxes = np.array([(p.bbox[1], p.bbox[0], p.bbox[3], p.bbox[2]) for p in found], float).reshape(-1, 4)
    codes, size = np.full(len(found), CLASSES.index("tumour_or_epithelial")), pixels.shape[1:]
    return Detections(CLASSES, boxes, codes, np.ones(len(found)), "", (int(size[0]), int(size[1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model, sheet = cs.load(given.model), read_sheet(given.data / "sheet.csv")
    sheet = sheet.subset([i for i in range(len(sheet)) if sheet.rows[i]["split"] == "val"])
    fields = open_fields(sheet)
    pixels = [fields.pixels(i) for i in range(len(fields))]
    results: dict[str, list[Detections]] = {
        f"rotations={turns}": [cs.predict(model, p, device="cpu", rotations=turns) for p in pixels] for turns in (1, 4)
    }
    results["he-nuclei"] = [nuclei(cs.load("he-nuclei"), p) for p in pixels]
    true = [marks_of(fields, i) for i in range(len(fields))]
    table: list[dict[str, Any]] = []
    for name, found in results.items():
        for radius in ("12", "6"):
            known = Judged(found, true, list(sheet.rows), list(range(len(found))))
            rows, _, notes = measured(known, group="group", radius=radius)
            table += [{"result": name, "radius_px": radius, **row} for row in rows]
            print(name, radius, *notes, sep="\n  ")
    with given.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    for row in table:
        if "F1" in row["measure"]:
            interval = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            print(f"{row['result']:12} {row['radius_px']:>2} px {row['class']:22} {row['measure']:14} {interval}")


if __name__ == "__main__":
    main()
