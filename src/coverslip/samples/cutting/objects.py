"""Where labelled objects are and how large, in a few passes over the pixels whatever their number."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Objects:
    """Objects of a label image, in the order of their numbers; every array has shape ``(n,)``.

    Parameters
    ----------
    number : ndarray of int
        The label.
    area : ndarray of int
        Pixels.
    y, x : ndarray of float
        Centroid, pixels.
    top, left, bottom, right : ndarray of int
        Bounding box, half-open, pixels.
    """

    number: np.ndarray
    area: np.ndarray
    y: np.ndarray
    x: np.ndarray
    top: np.ndarray
    left: np.ndarray
    bottom: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.number)

    def take(self, which: np.ndarray) -> Objects:
        """Some of the objects, by mask or by index."""
        return Objects(*(getattr(self, field.name)[which] for field in fields(self)))


def measure_objects(labels: np.ndarray) -> Objects:
    """Measure every object of a label image.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers, with gaps or without; 0 and below are background.

    Returns
    -------
    Objects
    """
    y, x = np.nonzero(labels > 0)
    number, code = np.unique(labels[y, x], return_inverse=True)
    n = len(number)
    area = np.bincount(code, minlength=n)
    low, high = np.full((2, n), np.iinfo(np.intp).max), np.zeros((2, n), np.intp)
    for i, at in enumerate((y, x)):
        np.minimum.at(low[i], code, at)
        np.maximum.at(high[i], code, at + 1)
    return Objects(
        number.astype(np.int64),
        area,
        np.bincount(code, y, n) / area,
        np.bincount(code, x, n) / area,
        low[0],
        low[1],
        high[0],
        high[1],
    )
