"""Boxes ``(N, 4)`` in pixels (left, top, right, bottom edge): turning, overlap, votes of several views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


def turned(boxes: np.ndarray, size: tuple[int, int], turns: int) -> np.ndarray:
    """Boxes in an image that was turned with ``numpy.rot90(image, turns)``.

    The way back is ``turned(found, turned_size(size, turns), -turns)``; it is exact for edges on a grid of
    fractions of 2 of a pixel.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        In the image as it is.
    size : tuple of int
        Height and width of it.
    turns : int
        Quarter turns against the clock.
    """
    height, width = size
    x0, y0, x1, y1 = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    edges = (
        (x0, y0, x1, y1),
        (y0, width - x1, y1, width - x0),
        (width - x1, height - y1, width - x0, height - y0),
        (height - y1, x0, height - y0, x1),
    )[turns % 4]
    return np.stack(edges, axis=1)


def turned_size(size: tuple[int, int], turns: int) -> tuple[int, int]:
    """Height and width after so many quarter turns."""
    return (size[1], size[0]) if turns % 2 else size


def mirrored(boxes: np.ndarray, width: int) -> np.ndarray:
    """Boxes in an image whose left and right were exchanged."""
    x0, y0, x1, y1 = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    return np.stack([width - x1, y0, width - x0, y1], axis=1)


def areas(boxes: np.ndarray) -> np.ndarray:
    """Area of each, pixels."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of each two, ``(N, M)``."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    whole = areas(boxes)[:, None] + areas(others)[None] - shared
    return np.divide(shared, whole, out=np.zeros_like(shared, dtype=np.float64), where=whole > 0)


def clipped(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes cut at the border of an image of this height and width."""
    limits = np.array([size[1], size[0], size[1], size[0]])
    return np.clip(boxes, 0, limits)


def best_of_each(boxes: np.ndarray, score: np.ndarray, least: float = 0.5) -> np.ndarray:
    """Numbers of the boxes that stay when each that overlaps a surer one by `least` (IoU) goes, the surest first.

    Of equally sure ones that which comes first stays. Classes make no difference: an object is of one class.
    """
    order = np.argsort(-score, kind="stable")
    kept: list[int] = []
    for i in order.tolist():
        if not kept or overlaps(boxes[i : i + 1], boxes[kept]).max() < least:
            kept.append(i)
    return np.array(kept, np.intp)


class View(NamedTuple):
    """What was found in one view of a window, mapped back to it.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        In pixels of the window as it is.
    codes : ndarray of int, shape (N,)
        Classes, from 0.
    score : ndarray, shape (N,)
        How sure, 0 to 1.
    """

    boxes: np.ndarray
    codes: np.ndarray
    score: np.ndarray


class Voted(NamedTuple):
    """What several views agree on.

    Parameters
    ----------
    boxes, codes, score
        As of a `View`.
    votes : ndarray of int, shape (N,)
        How many views found an object there, whatever they called it.
    agreed : ndarray of int, shape (N,)
        How many of these called it so.
    """

    boxes: np.ndarray
    codes: np.ndarray
    score: np.ndarray
    votes: np.ndarray
    agreed: np.ndarray


def voted(views: Sequence[View], least: float = 0.5) -> Voted:
    """Put together what several views of one window found.

    The surest box that is left begins an object; each other view gives its box that overlaps this one most, if by
    `least` (IoU) or more and if it is not given yet (of equal overlaps the surer one). The class is that of most
    views; of equally many, that with the larger sum of scores, then that which comes first in the list. The score
    is the sum of the scores of the views of that class, divided by the number of views, so that an object that few
    views see, or that they call differently, is less sure. Edges are means weighted by score.
    """
    boxes = np.concatenate([view.boxes for view in views]).astype(np.float64).reshape(-1, 4)
    codes = np.concatenate([view.codes for view in views]).astype(np.intp)
    score = np.concatenate([view.score for view in views]).astype(np.float64)
    which = np.repeat(np.arange(len(views)), [len(view.codes) for view in views])
    order = np.argsort(-score, kind="stable")
    free = np.ones(len(boxes), bool)
    found: list[tuple[np.ndarray, int, float, int, int]] = []
    for i in order.tolist():
        if not free[i]:
            continue
        members = [i, *_partners(i, boxes, which, score, free, least)]
        free[members] = False
        found.append(_together(boxes[members], codes[members], score[members], len(views)))
    if not found:
        return Voted(np.zeros((0, 4)), np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.intp), np.zeros(0, np.intp))
    edges, names, sure, votes, agreed = zip(*found, strict=True)
    return Voted(np.stack(edges), np.array(names, np.intp), np.array(sure), np.array(votes), np.array(agreed))


def _partners(
    i: int, boxes: np.ndarray, which: np.ndarray, score: np.ndarray, free: np.ndarray, least: float
) -> list[int]:
    near = np.flatnonzero(free & (which != which[i]))
    if not len(near):
        return []
    overlap = overlaps(boxes[i : i + 1], boxes[near])[0]
    found = []
    for view in np.unique(which[near]):
        here = np.flatnonzero(which[near] == view)
        best = max(here.tolist(), key=lambda k: (overlap[k], score[near[k]], -k))
        if overlap[best] >= least:
            found.append(int(near[best]))
    return found


def _together(
    boxes: np.ndarray, codes: np.ndarray, score: np.ndarray, views: int
) -> tuple[np.ndarray, int, float, int, int]:
    names = np.unique(codes)
    counts = [(codes == name).sum() for name in names]
    sums = [score[codes == name].sum() for name in names]
    best = max(range(len(names)), key=lambda k: (counts[k], sums[k], -k))
    edges = np.average(boxes, axis=0, weights=np.maximum(score, 1e-9))
    return edges, int(names[best]), float(sums[best] / views), len(codes), int(counts[best])


def without_doubles(
    boxes: np.ndarray, score: np.ndarray, tile: np.ndarray, own: np.ndarray, least: float = 0.4
) -> np.ndarray:
    """Which boxes stay where several tiles found one object.

    Each object is judged by the tile in whose core its middle lies; the word of that tile counts, also if it found
    nothing. Only where tiles disagree on where the middle is, more is needed: of two that each claim the object for
    themselves the surer one stays, and where each says that it is the other's, the surer one of these.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        Of the whole image.
    score : ndarray, shape (N,)
        How sure; of equally sure ones that of the earlier tile stays.
    tile : ndarray of int, shape (N,)
        Which tile found each. Boxes of one tile never remove each other: whether these are two objects was decided
        where they were found.
    own : ndarray of bool, shape (N,)
        Whether the middle lies in the core of that tile; else it lies a little beside it.
    least : float
        Overlap (IoU) from which on two boxes are of one object.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    from scipy.spatial import cKDTree

    if not own.all() or len(np.unique(tile)) > 1:
        sides = boxes[:, 2:] - boxes[:, :2]
        # Boxes that share so much of the larger one are, on each axis, less than three quarters of its side apart.
        reach = 1.1 * float(sides.max())
        near = cKDTree((boxes[:, :2] + boxes[:, 2:]) / 2).query_pairs(reach, output_type="ndarray")
    else:
        return own.copy()
    near = near[tile[near[:, 0]] != tile[near[:, 1]]]
    one, two = boxes[near[:, 0]], boxes[near[:, 1]]
    shared = np.prod(np.maximum(np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2]), 0), axis=1)
    near = near[shared >= least * (areas(one) + areas(two) - shared)]
    rivals: dict[int, list[int]] = {}
    for a, b in near.tolist():
        rivals.setdefault(a, []).append(b)
        rivals.setdefault(b, []).append(a)
    alone = [i for i in range(len(boxes)) if not own[i] and not rivals.get(i)]
    with_owner = [i for i in range(len(boxes)) if not own[i] and any(own[k] for k in rivals.get(i, []))]
    kept = np.ones(len(boxes), bool)
    kept[[*alone, *with_owner]] = False
    for i in np.lexsort((tile, -score)).tolist():
        if kept[i]:
            kept[rivals.get(i, [])] = False
    return kept
