"""Live and dead cells in images of mixed modes (grey, RGB, RGBA, palette, 16 bits): read right, fitted to, found.

    python benchmarks/section_modes.py model/ val.csv train.csv --out benchmarks/results/section_modes.csv

Each image is read as one grey channel (`--channels grey`) and compared with what Pillow makes of it. The model is
fitted to the images of the training sheet; the validation sheet holds some of each mode.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

import coverslip as cs
from coverslip.results.detections.evaluation import measured
from coverslip.results.detections.truth import Judged
from coverslip.samples import open_fields, read_sheet
from coverslip.samples.opening.marked import marks_of


def luminance(path: Path) -> np.ndarray:
    """Grey values as Pillow has them: of colours 0.299 R + 0.587 G + 0.114 B, of others as they are."""
    with Picture.open(path) as picture:
        if picture.mode in ("L", "I;16"):
            return np.asarray(picture, float)
        return np.asarray(picture.convert("RGB"), float) @ [0.299, 0.587, 0.114]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sheets", type=Path, nargs="+", help="The first is measured; the modes of all are read.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model = cs.load(given.model)
    apart: dict[str, list[float]] = {}
    for path in given.sheets:
        sheet = read_sheet(path)
        fields = open_fields(sheet, channels=["grey"])
        for i in range(len(fields)):
            file = Path(str(sheet.file(i)))
            with Picture.open(file) as picture:
                mode = picture.mode
            apart.setdefault(mode, []).append(float(np.abs(fields.pixels(i)[0] - luminance(file)).max()))
    table: list[dict[str, Any]] = [
        {"part": mode, "class": "all", "measure": "grey values apart", "value": max(of), "n": len(of)}
        for mode, of in apart.items()
    ]
    sheet = read_sheet(given.sheets[0])
    fields = open_fields(sheet, channels=["grey"])
    found = list(model.implementation.predict(model, fields, device="cpu"))
    true = [marks_of(fields, i, bad="drop") for i in range(len(fields))]
    for mode in ("all", *dict.fromkeys(row["mode"] for row in sheet.rows)):
        own = [i for i in range(len(fields)) if mode in ("all", sheet.rows[i]["mode"])]
        known = Judged([found[i] for i in own], [true[i] for i in own], [sheet.rows[i] for i in own], own)
        rows, _, _ = measured(known)
        table += [
            {"part": mode, **{key: row[key] for key in ("class", "measure", "value", "n")}}
            for row in rows
            if "F1" in row["measure"] or "AP50" in row["measure"]
        ]
    with given.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    for row in table:
        print(f"{row['part']:6} {row['class']:12} {row['measure']:18} {row['value']:.3f}  (n = {row['n']})")


if __name__ == "__main__":
    main()
