"""The areas of the convex hulls of all objects at once."""

from __future__ import annotations

import numpy as np

from coverslip.measure.objects.runs import Runs


def hull_areas(runs: Runs) -> np.ndarray:
    """How many pixels lie in the convex hull of each object.

    Parameters
    ----------
    runs : Runs
        The objects.

    Returns
    -------
    ndarray of int, shape (n,)
        Pixels whose centre is in the hull or on its border. The hull is that of the middles of the sides of an object's
        pixels, as in scikit-image (``area_convex``), so that a convex object has a solidity of 1.

    Notes
    -----
    Only the leftmost and rightmost pixel of each row matter. The left side of a hull is what remains of the leftmost
    points, from top to bottom, when every point that does not lie left of the line between its neighbours is taken
    away, over and over: never a corner of the hull, for both neighbours belong to the object. This is done for all
    objects in one array, in whole numbers (half pixels).
    """
    n = len(runs.numbers)
    if not n:
        return np.zeros(0, np.int64)
    item, row, left, right = _rows(runs)
    # The middles of the sides, in half pixels: above, beside and below the outermost pixels of a row.
    items = np.concatenate([item, item, item])
    y = np.concatenate([2 * row - 1, 2 * row, 2 * row + 1])
    low = np.concatenate([2 * left, 2 * left - 1, 2 * left])
    high = np.concatenate([2 * right, 2 * right + 1, 2 * right])
    order = np.lexsort((y, items))
    items, y, low, high = items[order], y[order], low[order], high[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(items) != 0) | (np.diff(y) != 0)])
    items, y = items[begins], y[begins]
    low, high = np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)
    # Every row from the first to the last, also those that an object of several parts has nothing in.
    top = row[np.r_[True, np.diff(item) != 0]]
    bottom = row[np.r_[np.diff(item) != 0, True]]
    heights = bottom - top + 1
    asked = np.repeat(np.arange(n), heights)
    at = 2 * (np.arange(len(asked)) - np.repeat(np.cumsum(heights) - heights, heights) + np.repeat(top, heights))
    first = _least(items, y, low, asked, at)
    last = -_least(items, y, -high, asked, at)
    return np.bincount(asked, last - first + 1, n).astype(np.int64)


def _rows(runs: Runs) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Object, row, first and last column of every row of every object, ordered."""
    order = np.lexsort((runs.start, runs.row, runs.item))
    item, row = runs.item[order].astype(np.int64), runs.row[order].astype(np.int64)
    begins = np.flatnonzero(np.r_[True, (np.diff(item) != 0) | (np.diff(row) != 0)])
    left = runs.start[order].astype(np.int64)[begins]
    right = np.maximum.reduceat(runs.stop[order].astype(np.int64), begins) - 1
    return item[begins], row[begins], left, right


def _least(items: np.ndarray, y: np.ndarray, x: np.ndarray, asked: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The first column whose centre is right of the left side of the hull (or on it), for each object and row asked."""
    items, y, x = _left_side(items, y, x)
    key = 1 + int(max(y.max(), at.max())) - int(y.min())
    after = np.searchsorted(items * key + y - y.min(), asked * key + at - y.min(), side="left")
    before = after - 1  # a hull begins half a pixel above its first row, so there is a corner above every centre
    span = y[after] - y[before]
    numerator = x[before] * span + (x[after] - x[before]) * (at - y[before])
    return -(-numerator // (2 * span))


def _left_side(items: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The corners among points ordered from top to bottom, object by object."""
    done: list[tuple[np.ndarray, ...]] = []
    while True:
        inner = np.zeros(len(items), bool)
        inner[1:-1] = (items[1:-1] == items[:-2]) & (items[1:-1] == items[2:])
        i = np.flatnonzero(inner)
        beyond = (x[i] - x[i - 1]) * (y[i + 1] - y[i - 1]) >= (x[i + 1] - x[i - 1]) * (y[i] - y[i - 1])
        if not beyond.any():
            break
        keep = np.ones(len(items), bool)
        keep[i[beyond]] = False
        # An object that lost nothing is done; a long cascade in one must not cost the others.
        going = np.zeros(int(items[-1]) + 1, bool)
        going[items[i[beyond]]] = True
        rest = ~going[items]
        done.append((items[rest], y[rest], x[rest]))
        keep &= ~rest
        items, y, x = items[keep], y[keep], x[keep]
    done.append((items, y, x))
    items, y, x = (np.concatenate(parts) for parts in zip(*done, strict=True))
    order = np.argsort(items, kind="stable")  # the points of an object are together already
    return items[order], y[order], x[order]
