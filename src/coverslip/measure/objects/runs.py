"""Labelled objects as horizontal runs of pixels: what all shape measures are sums over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from coverslip.core import Region

_STRIP = 1 << 22
"""Pixels looked at at once, so that a whole slide needs hardly more memory than its labels."""


@dataclass(frozen=True)
class Runs:
    """Runs of equal labels along the rows, of all objects, row by row; every array but `numbers` has shape ``(R,)``.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        The labels, ascending.
    item : ndarray of int32
        Which object a run belongs to: an index into `numbers`.
    row, start, stop : ndarray of int32
        Its row, its first column, and the column after its last.
    """

    numbers: np.ndarray
    item: np.ndarray
    row: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over each object's runs of one value per run, ``(n,)`` float64."""
        return np.bincount(self.item, values, len(self.numbers))


def find_runs(labels: np.ndarray) -> Runs:
    """The runs of a label image.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers; 0 and below are background.

    Returns
    -------
    Runs
    """
    columns: list[tuple[np.ndarray, ...]] = []
    for region in strips(labels.shape):
        value, start, stop = partition(labels[region.y : region.stop_y])
        objects = value > 0
        row, first = np.divmod(start[objects], labels.shape[1])
        last = first + (stop - start)[objects]
        columns.append((value[objects], *(a.astype(np.int32) for a in (row + region.y, first, last))))
    value, row, first, last = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    numbers, item = np.unique(value, return_inverse=True)
    return Runs(numbers, item.astype(np.int32), row, first, last)


def partition(strip: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All runs of some rows, background too: label, and start and stop among the pixels in reading order."""
    begins = np.ones(strip.shape, bool)
    np.not_equal(strip[:, 1:], strip[:, :-1], out=begins[:, 1:])
    start = np.flatnonzero(begins)
    return strip.ravel()[start], start, np.r_[start[1:], strip.size]


def strips(shape: tuple[int, ...]) -> Iterator[Region]:
    """Whole rows of an image, some at a time, in multiples of 512: files are tiled in such."""
    height, width = shape
    rows = max(_STRIP // max(width, 1) // 512, 1) * 512
    for y in range(0, height, rows):
        yield Region(y, 0, min(rows, height - y), width)


Pixels = Callable[[Region], np.ndarray]
"""Reads a region of an image, ``(C, h, w)``."""


def intensities(labels: np.ndarray, numbers: np.ndarray, read: Pixels) -> dict[str, np.ndarray]:
    """Sums over the pixels of each object, channel by channel.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers.
    numbers : ndarray of int, shape (n,)
        Those to measure, ascending: all of `labels` above 0.
    read : callable
        Reads the pixels of some whole rows.

    Returns
    -------
    dict
        ``mean``, ``std`` (of the population), ``min``, ``max`` and ``sum``, each ``(C, n)`` float64; empty where there
        is no object.
    """
    found: dict[str, np.ndarray] = {}
    zero: np.ndarray | None = None
    count = np.zeros(len(numbers))
    for region in strips(labels.shape):
        rows = labels[region.y : region.stop_y]
        value, start, stop = partition(rows)
        objects = np.flatnonzero(value > 0)
        if not len(objects):
            continue
        item = np.searchsorted(numbers, value[objects])
        pixels = read(region).reshape(-1, rows.size)
        if zero is None:
            # Squares are summed about a typical value, so that a large offset costs no digits.
            inside = pixels[:, rows.ravel() > 0]
            typical = inside[:, :: max(inside.shape[1] // 4096, 1)].astype(np.float64)  # sums take its type
            zero = np.median(typical, axis=1)
            zero = np.where(np.isfinite(zero), zero, 0.0)
            shape = (len(pixels), len(numbers))
            found = {"sum": np.zeros(shape), "square": np.zeros(shape)}
            found |= {"min": np.full(shape, np.inf), "max": np.full(shape, -np.inf)}
        count += np.bincount(item, (stop - start)[objects], len(numbers))
        for channel, values in enumerate(pixels):
            low, high = np.minimum.reduceat(values, start)[objects], np.maximum.reduceat(values, start)[objects]
            np.minimum.at(found["min"][channel], item, low)
            np.maximum.at(found["max"][channel], item, high)
            shifted = values - zero[channel]
            for name, terms in (("sum", shifted), ("square", np.square(shifted))):
                found[name][channel] += np.bincount(item, np.add.reduceat(terms, start)[objects], len(numbers))
    if zero is None:
        return {}
    mean = found["sum"] / count
    std = np.sqrt(np.maximum(found.pop("square") / count - np.square(mean), 0))
    mean += zero[:, None]
    return {**found, "sum": mean * count, "mean": mean, "std": std}
