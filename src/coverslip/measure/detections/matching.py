"""Which detected object is which true one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Codes = tuple[np.ndarray, np.ndarray]
"""Classes of detections and of true objects."""


class Matches(NamedTuple):
    """Pairs of objects, each in one pair at most.

    Parameters
    ----------
    found, true : ndarray of int, shape (M,)
        Which detection, and which true object.
    """

    found: np.ndarray
    true: np.ndarray


def match_boxes(
    boxes: np.ndarray, score: np.ndarray, true: np.ndarray, codes: Codes | None = None, least: float = 0.5
) -> Matches:
    """Match boxes: the surest first, each with the free true box that it overlaps most, by `least` (IoU) or more.

    Parameters
    ----------
    boxes, true : ndarray, shapes (N, 4) and (M, 4)
        Left, top, right and bottom edges.
    score : ndarray, shape (N,)
        How sure.
    codes : tuple of ndarray, shapes (N,) and (M,), optional
        Classes: only those of one class are paired. Default: all.
    least : float
        Overlap that a pair needs.
    """
    i, j, overlap = overlapping(boxes, true)
    good = overlap >= least
    if codes is not None:
        good &= codes[0][i] == codes[1][j]
    i, j, overlap = i[good], j[good], overlap[good]
    order = np.lexsort((j, -overlap, i, -score[i]))
    return _greedy(i[order], j[order])


def match_points(points: np.ndarray, true: np.ndarray, radius: float, codes: Codes | None = None) -> Matches:
    """Match points: the nearest pairs first, of those within `radius`.

    Parameters
    ----------
    points, true : ndarray, shapes (N, 2) and (M, 2)
        ``x, y``.
    radius : float
        In the same unit.
    codes : tuple of ndarray, shapes (N,) and (M,), optional
        Classes: only those of one class are paired. Default: all.
    """
    from scipy.spatial import cKDTree

    if not len(points) or not len(true):
        return Matches(np.zeros(0, int), np.zeros(0, int))
    near = cKDTree(points).sparse_distance_matrix(cKDTree(true), radius, output_type="coo_matrix")
    i, j, away = near.row, near.col, near.data
    if codes is not None:
        good = codes[0][i] == codes[1][j]
        i, j, away = i[good], j[good], away[good]
    order = np.lexsort((j, i, away))
    return _greedy(i[order], j[order])


def _greedy(i: np.ndarray, j: np.ndarray) -> Matches:
    """Pairs in order, as long as both are free."""
    taken: set[int] = set()
    given: set[int] = set()
    pairs = []
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        if a not in taken and b not in given:
            taken.add(a)
            given.add(b)
            pairs.append((a, b))
    found = np.array(pairs, int).reshape(-1, 2)
    return Matches(found[:, 0], found[:, 1])


def overlapping(boxes: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs that overlap at all, and their IoU; boxes are looked at in strips, so that a whole section fits."""
    if not len(boxes) or not len(true):
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    order = np.argsort(true[:, 1], kind="stable")
    tops, tallest = true[order, 1], float((true[:, 3] - true[:, 1]).max())
    rows, columns = [], []
    for k, box in enumerate(boxes):
        near = order[np.searchsorted(tops, box[1] - tallest, "left") : np.searchsorted(tops, box[3], "right")]
        rows.append(np.full(len(near), k))
        columns.append(near)
    i, j = np.concatenate(rows), np.concatenate(columns)
    one, two = boxes[i], true[j]
    sides = np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    whole = np.prod(one[:, 2:] - one[:, :2], axis=1) + np.prod(two[:, 2:] - two[:, :2], axis=1) - shared
    good = shared > 0
    return i[good], j[good], shared[good] / whole[good]
