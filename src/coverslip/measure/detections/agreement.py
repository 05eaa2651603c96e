"""Regions against true ones: pixels, and classes that follow each other in a row or a circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.core import Detections, Marks
from coverslip.measure.detections.matching import match_boxes
from coverslip.measure.detections.painting import painted

_SIDE = 2048
"""Pixels are compared on a grid of at most so many a side."""


class Staged(NamedTuple):
    """How true regions were staged.

    Parameters
    ----------
    true, found : ndarray of int, shape (n,)
        Classes of the true regions that were found, and what they were called; -1: not staged.
    missed : int
        True regions that were not found.
    spurious : int
        Regions that are no true one.
    which : ndarray of int, shape (n,)
        Which regions of the result these are.
    """

    true: np.ndarray
    found: np.ndarray
    missed: int
    spurious: int
    which: np.ndarray


def staged(found: Detections, true: Marks, classes: Sequence[str]) -> Staged:
    """Match regions by their boxes (IoU 0.5) and say how each was staged."""
    place = {name: code for code, name in enumerate(classes)}
    truth = np.array([place[str(name)] for name in true.names], int)
    pairs = match_boxes(found.boxes, found.score, true.boxes)
    codes = np.array([place.get(str(name), -1) for name in found.names], int)
    missed, spurious = len(true) - len(pairs.true), len(found) - len(pairs.found)
    return Staged(truth[pairs.true], codes[pairs.found], missed, spurious, pairs.found)


def steps_apart(one: np.ndarray, other: np.ndarray, classes: int, circular: bool = True) -> np.ndarray:
    """How many classes lie between two, in their order; where they are a circle, the shorter way round."""
    away = np.abs(np.asarray(one) - np.asarray(other))
    return np.asarray(np.minimum(away, classes - away) if circular else away)


def pixel_table(found: Detections, true: Marks, classes: Sequence[str]) -> np.ndarray:
    """Pixels of each true class (rows; the first is outside of all) called each (columns), ``(K + 1, K + 1)``.

    Regions that are not staged count as outside.
    """
    place = {name: code for code, name in enumerate(classes, 1)}
    scale = min(1.0, _SIDE / max(found.size))
    truth = painted(true.outlines or (), [place[str(name)] for name in true.names], found.size, scale)
    called = painted(found.outlines or (), [place.get(str(name), 0) for name in found.names], found.size, scale)
    k = len(classes) + 1
    return np.bincount((truth * k + called).ravel(), minlength=k * k).reshape(k, k)


def pixel_measures(table: np.ndarray) -> dict[str, float]:
    """Pixel accuracy, mean accuracy, mean IoU and frequency-weighted IoU (Long et al. 2015) of a table of pixels.

    Classes that are not there are left out of means.
    """
    right, there, called = np.diag(table).astype(float), table.sum(axis=1), table.sum(axis=0)
    known = there > 0
    overlap = right[known] / (there + called - right)[known]
    return {
        "pixel accuracy": float(right.sum() / there.sum()),
        "mean accuracy": float((right[known] / there[known]).mean()),
        "mean IoU": float(overlap.mean()),
        "frequency-weighted IoU": float((there[known] * overlap).sum() / there.sum()),
    }
