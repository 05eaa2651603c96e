"""Cells of 80 to 290 pixels, which absorb light and lie over each other: Kaizen on blood smears (BCCD).

The green channel, where blood absorbs most, is explained in optical density. What is marked there are boxes of red and
white cells; Kaizen is fitted to the ellipses that fill them, in part of the training images made three times smaller
(``light=absorbed scales=[1,2]``), and given validation images as they are: it has to tell that objects are three times
as large, or is told their diameter. It is judged by the boxes of what it finds: AP, recall and F1 at IoU 0.5, red and
white cells together, and recall of those of 120 pixels or more. Beside it Otsu's threshold and a watershed, which needs
no fit. Many cells at the border and in clumps are not marked, so that
some of what counts as wrong is a cell.

    python benchmarks/kaizen_large.py ../shared/data/bccd --out large/
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage.transform import downscale_local_mean

import coverslip as cs
from coverslip.core import Marks
from coverslip.core.fields import ArrayFields, Fields
from coverslip.measure import bootstrap, match
from coverslip.measure.objects.amodal import AmodalMasks, amodal_masks, amodal_overlap
from coverslip.read import write_table
from coverslip.samples import annotated_sheet, find_nuclei, open_fields
from coverslip.samples.opening.marked import marks_of
from coverslip.train import Run

LARGE = 120
"""Pixels, the longer side of a box."""
SHRUNK = 3
FIT = {"light": "absorbed", "patch": 48, "scales": [1.0, 2.0], "width": 16, "epochs": 22, "centred": 0.7}


def cells(marks: Marks) -> np.ndarray:
    """Boxes of red and white cells, ``(n, 4)``."""
    return marks.boxes[np.isin(marks.names, ["RBC", "WBC"])]


def ellipses(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Labels: each pixel is of the ellipse in whose middle it lies most."""
    labels, nearest = np.zeros(size, np.int32), np.ones(size)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    for number, (left, top, right, bottom) in enumerate(boxes, 1):
        away = (2 * (x - left) / (right - left) - 1) ** 2 + (2 * (y - top) / (bottom - top) - 1) ** 2
        labels[away < nearest] = number
        nearest = np.minimum(nearest, away)
    return labels


def green(fields: Fields, row: int) -> np.ndarray:
    """The channel that is looked at, ``(1, H, W)``."""
    return fields.pixels(row)[1:2]


def smaller(image: np.ndarray) -> np.ndarray:
    """The means of squares, in the dtype of the image; what is left over at the border is cut off."""
    height, width = (length // SHRUNK * SHRUNK for length in image.shape)
    return np.rint(downscale_local_mean(image[:height, :width], SHRUNK)).astype(image.dtype)


def as_boxes(found: Any) -> AmodalMasks:
    """The box around each object, filled."""
    masks = amodal_masks(found)
    return AmodalMasks([np.ones(mask.shape, bool) for mask in masks.masks], masks.corners, masks.shape)


def marked_boxes(boxes: np.ndarray, size: tuple[int, int]) -> AmodalMasks:
    """The marked ones, in whole pixels."""
    edges = np.rint(boxes).astype(int)
    masks = [np.ones((bottom - top, right - left), bool) for left, top, right, bottom in edges]
    return AmodalMasks(masks, edges[:, [1, 0]], size)


def fitted(fields: Fields, rows: Sequence[int], folder: Path, seed: int) -> cs.Model:
    """Fitted to some images, of which every sixth is held out to choose the search; what is in the folder is taken."""
    if not (folder / "config.json").exists():
        images, masks = [], []
        for row in rows:
            images.append(smaller(green(fields, row)[0]))
            masks.append(ellipses(cells(marks_of(fields, row, bad="drop")) / SHRUNK, images[-1].shape))
        split = ["val" if i % 6 == 5 else "train" for i in range(len(rows))]
        run = Run(folder=folder.with_name("fit"), resume=True)
        cs.fit("kaizen", ArrayFields(images, masks, {"split": split}), {**FIT, "seed": seed}, run=run).save(folder)
    return cs.load(folder)


def counted(truth: AmodalMasks, found: AmodalMasks) -> list[int]:
    """Hits, wrong, missed; large ones, and how many of them are hit."""
    pair = match(amodal_overlap(truth, found), 0.5)
    large = np.array([max(mask.shape) >= LARGE for mask in truth.masks])
    return [pair.tp, pair.fp, pair.fn, int(large.sum()), int(large[pair.truth].sum())]


def measures(counts: np.ndarray) -> dict[str, float]:
    """Pooled, with intervals by resampling images; AP also as a mean over images."""
    made = {
        "ap50": lambda rows: float(rows[:, 0].sum() / max(rows[:, :3].sum(), 1)),
        "f1": lambda rows: float(2 * rows[:, 0].sum() / max((rows[:, :3] * [2, 1, 1]).sum(), 1)),
        "recall": lambda rows: float(rows[:, 0].sum() / max(rows[:, [0, 2]].sum(), 1)),
        "recall_large": lambda rows: float(rows[:, 4].sum() / max(rows[:, 3].sum(), 1)),
    }
    line: dict[str, float] = {}
    for name, measure in made.items():
        interval = bootstrap(measure, counts)
        line |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return line | {"ap50_mean": float(np.mean(counts[:, 0] / np.maximum(counts[:, :3].sum(1), 1)))}


def main() -> None:
    """Fit what is not fitted, apply both, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fitted-to", type=int, default=48, help="training images")
    parser.add_argument("--images", type=int, default=29, help="validation images")
    parser.add_argument("--diameter", help="of the cells, pixels; default: told from each image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("large"))
    given = parser.parse_args()

    fields = open_fields(annotated_sheet(given.data))
    parts = fields.obs["split"].astype(str)
    training, held_out = (
        rows[np.linspace(0, len(rows) - 1, count).round().astype(int)].tolist()
        for rows, count in (
            (np.flatnonzero(parts == "train"), given.fitted_to),
            (np.flatnonzero(parts == "val"), given.images),
        )
    )
    model = fitted(fields, training, given.out / "model", given.seed)
    if given.fit_only:
        return
    images = [green(fields, row) for row in held_out]
    truths = [marked_boxes(cells(marks_of(fields, row, bad="drop")), fields.size(row)) for row in held_out]
    found = {
        "Otsu + watershed": [find_nuclei(255 - image[0]).labels for image in images],
        "Kaizen": list(cs.predict(model, ArrayFields(images), device="cpu", diameter=given.diameter)),
    }
    print("shown at", sorted({round(one.zoom, 2) for one in found["Kaizen"]}))
    table = []
    for name, results in found.items():
        counts = np.array([counted(truth, as_boxes(one)) for truth, one in zip(truths, results, strict=True)])
        line: dict[str, Any] = {
            "method": name,
            "marked": int(counts[:, [0, 2]].sum()),
            "large": int(counts[:, 3].sum()),
        }
        line |= {"found": int(counts[:, :2].sum()), **measures(counts)}
        table.append(line)
        print(f"{name}: {line['marked']} marked, {line['large']} of them large, {line['found']} found")
        for measure in ("ap50", "f1", "recall", "recall_large"):
            print(f"  {measure} {line[measure]:.3f} [{line[measure + '_low']:.3f}, {line[measure + '_high']:.3f}]")
        print(f"  ap50_mean {line['ap50_mean']:.3f}")
    write_table({key: np.array([line[key] for line in table]) for key in table[0]}, given.out / "kaizen_large.csv")


if __name__ == "__main__":
    main()
