"""Precision, sensitivity and F1 of each class, and what was called what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coverslip.core import Detections, Marks
from coverslip.measure.detections.matching import Codes, Matches, match_boxes, match_points


@dataclass(frozen=True)
class Compared:
    """Detections of one image against its truth.

    Parameters
    ----------
    right, spurious, missed : ndarray of int, shape (K,)
        Of each class: true objects found under that name, detections that are no such object, true ones that were not
        found under it.
    there : ndarray of int, shape (3,)
        The same of all objects, whatever they are called.
    confusion : ndarray of int, shape (K + 1, K + 1)
        True classes in rows, found ones in columns; the last row is spurious, the last column missed. Pairs of one
        class were matched first, then the rest.
    """

    right: np.ndarray
    spurious: np.ndarray
    missed: np.ndarray
    there: np.ndarray
    confusion: np.ndarray

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.right + other.right,
            self.spurious + other.spurious,
            self.missed + other.missed,
            self.there + other.there,
            self.confusion + other.confusion,
        )


def compared(
    found: Detections, true: Marks, classes: Sequence[str], *, overlap: float = 0.5, radius: float | None = None
) -> Compared:
    """Count what was found.

    Parameters
    ----------
    found : Detections
        Those without a class count for nothing but that they are there.
    true : Marks
        The truth of the same image.
    classes : sequence of str
        The K classes, those of both.
    overlap : float
        IoU that a pair of boxes needs.
    radius : float, optional
        Match the middles of boxes within this distance instead, pixels: for truth that is points.
    """
    place = {name: k for k, name in enumerate(classes)}
    codes = np.array([place.get(str(name), -1) for name in found.names], int)
    truth = np.array([place[str(name)] for name in true.names], int)

    def pairs(alike: Codes | None, own: np.ndarray, theirs: np.ndarray) -> Matches:
        if radius is None:
            return match_boxes(found.boxes[own], found.score[own], true.boxes[theirs], alike, overlap)
        return match_points(found.centres[own], true.centres[theirs], radius, alike)

    every, all_true = np.arange(len(found)), np.arange(len(true))
    same = pairs((codes, truth), every, all_true)
    rest = np.setdiff1d(every, same.found)
    left = np.setdiff1d(all_true, same.true)
    other = pairs(None, rest, left)
    confusion = np.zeros((len(classes) + 1,) * 2, int)
    np.add.at(confusion, (truth[same.true], codes[same.found]), 1)
    np.add.at(confusion, (truth[left[other.true]], codes[rest[other.found]]), 1)  # without a class: as if missed
    spurious = np.setdiff1d(rest, rest[other.found])
    np.add.at(confusion, (np.full(len(spurious), len(classes)), codes[spurious]), 1)
    missed = np.setdiff1d(left, left[other.true])
    np.add.at(confusion, (truth[missed], np.full(len(missed), len(classes))), 1)
    confusion[-1, -1] = 0
    k = len(classes)
    right = np.bincount(truth[same.true], minlength=k)
    named = codes[codes >= 0]
    anyhow = pairs(None, every, all_true)
    there = np.array([len(anyhow.found), len(found) - len(anyhow.found), len(true) - len(anyhow.true)])
    return Compared(
        right, np.bincount(named, minlength=k) - right, np.bincount(truth, minlength=k) - right, there, confusion
    )


def rates(right: np.ndarray, spurious: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, sensitivity and F1; NaN where there is nothing to divide by."""
    right = np.asarray(right, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / (right + spurious), right / (right + missed), 2 * right / (2 * right + spurious + missed)


def mean_known(values: np.ndarray) -> float:
    """The mean of the values that are numbers; 0 where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0
