"""The least score that gives the best objects on fields that were held out."""

from __future__ import annotations

import numpy as np

from coverslip.core import Fields, Fitted, Marks, track
from coverslip.measure.detections.counts import compared, mean_known, rates
from coverslip.methods.section.inference import Finder, found_in

_GRID = np.arange(0.05, 0.96, 0.05).round(2)
_MOST = 40
"""Fields that are looked at."""


def best_thresholds(
    fitted: Fitted, fields: Fields, marks: dict[int, Marks], *, device: str = "auto"
) -> dict[str, float]:
    """For each number of directions the least score with the best mean F1 over classes (boxes: IoU 0.5).

    Parameters
    ----------
    fitted : Fitted
        Just fitted.
    fields : Fields
        To look at.
    marks : mapping of int to Marks
        Of the rows to look at, with boxes.
    device : str
        Where.

    Returns
    -------
    dict of str to float
        Of equally good ones the one in the middle.
    """
    rows = list(marks)[:: -(-len(marks) // _MOST)]
    regions = fitted.config.model_dump()["target"] == "regions"
    found: dict[str, float] = {}
    for rotations in (1,) if regions else (1, 4):
        finder = Finder(fitted, device=device, rotations=rotations, threshold=float(_GRID[0]), least_share=0.0)
        sums = None
        for row in track(rows, "Choosing the least score"):
            seen = found_in(finder, fields, row)
            counts = [compared(seen.take(seen.score >= least), marks[row], seen.classes) for least in _GRID]
            sums = counts if sums is None else [a + b for a, b in zip(sums, counts, strict=True)]
        if sums is None:
            break
        f1 = np.array([mean_known(rates(each.right, each.spurious, each.missed)[2]) for each in sums])
        best = np.flatnonzero(f1 >= f1.max() - 1e-9)
        found[str(rotations)] = float(_GRID[best[len(best) // 2]])
    return found
