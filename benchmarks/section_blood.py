"""Cells in blood smears: average precision with and without rotation voting, beside finding nothing but dark spots.

    python benchmarks/section_blood.py model/ smears/val.csv --out benchmarks/results/section_blood.csv

The model is fitted to the training part of BCCD (`coverslip samples annotated`, `coverslip fit section`, settings in
the card of the method). The baseline needs no training: dark objects of the classical segmentation
(`coverslip.samples.find_nuclei`), all called by the most frequent class.
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
from coverslip.samples import find_nuclei, open_fields, read_sheet
from coverslip.samples.opening.marked import marks_of


def classical(image: np.ndarray, classes: tuple[str, ...], called: int) -> Detections:
    """Dark objects, sure by their area."""
    labels = find_nuclei(255 - image.min(axis=0))
    labels = getattr(labels, "labels", labels)
    found = regionprops(labels)
    boxes = np.array([(p.bbox[1], p.bbox[0], p.bbox[3], p.bbox[2]) for p in found], float).reshape(-1, 4)
    score = np.array([p.area for p in found], float)
    size = (image.shape[1], image.shape[2])
    return Detections(classes, boxes, np.full(len(found), called), score / max(score.max(initial=1), 1), "", size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model, sheet = cs.load(given.model), read_sheet(given.sheet)
    fields = open_fields(sheet)
    true = [marks_of(fields, i, bad="drop") for i in range(len(fields))]
    rows = [{"image": fields.name(i)} for i in range(len(fields))]
    classes = tuple(model.facts["classes"])
    usual = int(np.argmax([model.facts["marked"][name] for name in classes]))
    results: dict[str, list[Detections]] = {
        "classical": [classical(fields.pixels(i), classes, usual) for i in range(len(fields))]
    }
    for turns, votes in ((1, 1), (4, 1), (4, 2)):
        results[f"rotations={turns} votes={votes}"] = list(
            model.implementation.predict(
                model, fields, device="cpu", rotations=turns, threshold=0.05, least_votes=votes
            )
        )
    table: list[dict[str, Any]] = []
    for name, found in results.items():
        turns = name.partition(" ")[0].partition("=")[2]
        least = model.facts.get("thresholds", {}).get(turns, 0.5) if name != "classical" else 0.0
        for kind, kept in (("AP", found), ("F1", [one.take(one.score >= least) for one in found])):
            measures, _, _ = measured(Judged(kept, true, rows, list(range(len(found)))))
            table += [
                {"result": name, "least_score": 0.05 if kind == "AP" else least, **row}
                for row in measures
                if ("AP" in row["measure"]) == (kind == "AP")
            ]
    with given.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    for row in table:
        if row["measure"] in ("mean AP50", "mean AP75", "AP50", "F1", "macro F1"):
            interval = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            print(f"{row['result']:19} {row['class']:10} {row['measure']:10} {interval}")


if __name__ == "__main__":
    main()
