"""Outlines of labelled objects: polygons along the edges of pixels, for all objects at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from coverslip.core import InputError

_STRIP = 1 << 22
"""Pixels looked at at once, so that hardly more memory is needed than the labels take."""

# The four directions of an edge, in the order of right turns (rows count downwards): right, down, left, up.
_DY = np.array([0, 1, 0, -1])
_DX = np.array([1, 0, -1, 0])


@dataclass(frozen=True)
class Outline:
    """The outline of one object.

    Parameters
    ----------
    label : int
        The number of the object.
    parts : list of list of ndarray, each (n, 2)
        One list for each connected part (pixels that touch at a corner only are not connected): its outer ring, then
        one ring for each hole. A ring is a list of corners ``(x, y)``, whole pixels, the first not repeated at the
        end. The first pixel of the image covers 0 to 1. Outer rings run clockwise as one sees the image, holes the
        other way. No ring touches itself.
    """

    label: int
    parts: list[list[np.ndarray]] = field(repr=False)


def trace_outlines(labels: np.ndarray) -> list[Outline]:
    """Trace the outlines of all objects, exactly along the edges of their pixels.

    Filling the polygons (pixels whose centre is inside) gives the labels back.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W) or (L, H, W)
        Object numbers; 0 is background. Of objects that overlap, layers; each object lies in one.

    Returns
    -------
    list of Outline
        In the order of the numbers.

    Notes
    -----
    Every side of a pixel where its object ends becomes an arrow with the object on its right. At its end the arrow goes
    on as the arrow of the same object that starts there; where two start, because pixels meet at a corner, the one to
    the right. So all rings are the cycles of one permutation, found by one traversal of a graph whatever the number of
    objects.
    """
    if labels.ndim == 3:
        return sorted((one for layer in labels for one in trace_outlines(layer)), key=lambda outline: outline.label)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise InputError(f"Outlines are traced in a label image (H, W) of integers, not {labels.shape} {labels.dtype}.")
    value, y, x, direction = _arrows(labels)
    if not len(value):
        return []
    numbers, item = np.unique(value, return_inverse=True)
    order, first = _cycles(_successors(item, y, x, direction, labels.shape[1] + 1))
    # A corner is where the direction changes; arrows in between lie on a straight line.
    y, x, direction = y[order], x[order], direction[order]
    previous = np.r_[-1, np.arange(len(order) - 1)]
    previous[first] = np.r_[first[1:], len(order)] - 1
    corner = direction != direction[previous]
    bounds = np.cumsum(np.add.reduceat(corner, first))[:-1]
    rings = np.split(np.stack([x[corner], y[corner]], axis=1).astype(np.int32), bounds)
    outer = _is_outer(y, x, direction, first)
    # The pixel on the right of the first arrow of each ring is of its object.
    inside = np.stack([y[first] - (direction[first] >= 2), x[first] - np.isin(direction[first], (1, 2))], axis=1)
    return _assembled(rings, item[order[first]], outer, inside, numbers, labels)


def _arrows(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Label, start and direction of every arrow; the object lies on its right."""
    found = []
    rows = max(_STRIP // labels.shape[1], 1) if labels.size else 1
    for top in range(0, labels.shape[0], rows):
        strip = labels[top : top + rows]
        height, width = strip.shape
        padded = np.zeros((height + 2, width + 2), labels.dtype)
        low, high = max(top - 1, 0), min(top + height + 1, labels.shape[0])
        padded[low - top + 1 : high - top + 1, 1:-1] = labels[low:high]
        objects = strip > 0
        # Where a side is between a pixel and the one above it, and so on; the start of the arrow from its corner.
        for heading, (dy, dx), (sy, sx) in (
            (0, (-1, 0), (0, 0)),  # the upper side, to the right
            (1, (0, 1), (0, 1)),  # the right side, downwards
            (2, (1, 0), (1, 1)),  # the lower side, to the left
            (3, (0, -1), (1, 0)),  # the left side, upwards
        ):
            neighbour = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
            y, x = np.nonzero((strip != neighbour) & objects)
            found.append((strip[y, x], y + (top + sy), x + sx, np.full(len(y), heading)))
    if not found:
        return labels.ravel(), *np.zeros((3, 0), np.intp)
    value, y, x, direction = (np.concatenate(column) for column in zip(*found, strict=True))
    return value, y, x, direction


def _successors(item: np.ndarray, y: np.ndarray, x: np.ndarray, direction: np.ndarray, width: int) -> np.ndarray:
    """The arrow that each arrow goes on as."""
    corners = int(y.max() + 2) * width
    key = item * corners + y * width + x
    order = np.argsort(key, kind="stable")
    start = key[order]
    end = item * corners + (y + _DY[direction]) * width + x + _DX[direction]
    at = np.searchsorted(start, end)
    # Of two arrows that start at a corner, the one that turns right.
    two = (at + 1 < len(start)) & (start[np.minimum(at + 1, len(start) - 1)] == end)
    turn_right = direction[order[at]] == (direction + 1) % 4
    successor = order[at + (two & ~turn_right)]
    crossing = np.flatnonzero(two)
    if len(crossing):
        _untie(successor, crossing, end)
    return successor


def _untie(successor: np.ndarray, crossing: np.ndarray, end: np.ndarray) -> None:
    """Divide rings that come by one corner twice, so that no ring touches itself.

    Such corners of a ring lie inside each other or apart (the object would fall to pieces otherwise), so all of them
    can be untied at once.
    """
    number = _numbered_cycles(successor)
    pairs = crossing[np.argsort(end[crossing], kind="stable")].reshape(-1, 2)
    one, other = pairs[number[pairs[:, 0]] == number[pairs[:, 1]]].T
    successor[one], successor[other] = successor[other], successor[one]


def _numbered_cycles(successor: np.ndarray) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(successor)
    graph = csr_array((np.ones(n, np.int8), successor, np.arange(n + 1)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=True, connection="weak")[1])


def _cycles(successor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All elements, cycle after cycle, each in its order; and where each cycle begins."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import depth_first_order

    n = len(successor)
    number = _numbered_cycles(successor)
    _, head = np.unique(number, return_index=True)
    # Open each cycle before its first element and tie its end to the next cycle: one path, walked in compiled code.
    before = np.empty(n, np.intp)
    before[successor] = np.arange(n)
    path = successor.copy()
    path[before[head[:-1]]] = head[1:]
    last = before[head[-1]]
    starts = np.arange(n + 1) - (np.arange(n + 1) > last)  # the last element leads nowhere
    graph = csr_array((np.ones(n - 1, np.int8), np.delete(path, last), starts), shape=(n, n))
    order = np.asarray(depth_first_order(graph, int(head[0]), return_predecessors=False))
    return order, np.r_[0, np.cumsum(np.bincount(number))[:-1]]


def _is_outer(y: np.ndarray, x: np.ndarray, direction: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Whether each ring runs clockwise: its area, summed over the arrows, is positive."""
    return np.add.reduceat(x * _DY[direction] - y * _DX[direction], first) > 0


def _assembled(
    rings: list[np.ndarray],
    item: np.ndarray,
    outer: np.ndarray,
    inside: np.ndarray,
    numbers: np.ndarray,
    labels: np.ndarray,
) -> list[Outline]:
    """Rings to parts, parts to objects, in the order of the numbers."""
    order = np.lexsort((~outer, item))  # of each object the outer rings, then the holes
    ends = np.r_[np.searchsorted(item[order], np.arange(1, len(numbers))), len(order)]
    found = []
    start = 0
    for number, end in zip(numbers.tolist(), ends.tolist(), strict=True):
        own = order[start:end]
        start = end
        count = int(outer[own].sum())
        parts = [[rings[i]] for i in own[:count]]
        holes = own[count:]
        if count == 1:
            parts[0] += [rings[i] for i in holes]
        elif len(holes):
            for i, part in zip(holes, _parts_of(number, rings, own, count, inside, labels), strict=True):
                parts[part].append(rings[i])
        found.append(Outline(number, parts))
    return found


def _parts_of(
    number: int, rings: list[np.ndarray], own: np.ndarray, count: int, inside: np.ndarray, labels: np.ndarray
) -> list[int]:
    """For each hole of an object in several parts, the part it is in."""
    from scipy import ndimage

    corners = np.concatenate([rings[i] for i in own[:count]])
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    connected, _ = ndimage.label(labels[top:bottom, left:right] == number)
    y, x = (inside[own] - [top, left]).T
    of_ring = connected[y, x]
    part_of = {int(part): i for i, part in enumerate(of_ring[:count])}
    return [part_of[int(part)] for part in of_ring[count:]]
