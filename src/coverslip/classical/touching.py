"""Touching objects apart: a watershed from the peaks of a landscape, and the necks that are no necks closed again."""

from __future__ import annotations

import numpy as np


def basins(landscape: np.ndarray, foreground: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide a mask between the peaks of a landscape.

    Parameters
    ----------
    landscape : ndarray of float, shape (H, W)
        High in the middle of objects.
    foreground : ndarray of bool, shape (H, W)
        What is divided.
    distance : int
        Peaks of one connected part are at least so many pixels apart.

    Returns
    -------
    labels : ndarray of int32, shape (H, W)
        1 to n in the foreground.
    heights : ndarray, shape (n + 1,)
        The highest place of the landscape in each; 0 for the background.
    """
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    components, _ = ndimage.label(foreground)
    peaks = peak_local_max(landscape, min_distance=max(distance, 1), labels=components, exclude_border=False)
    seeds = np.zeros(foreground.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-landscape, seeds, mask=foreground)
    # Not the height of the seeds: where peaks are too near to each other, a part may hold one higher than its own.
    return labels, np.r_[0, ndimage.maximum(landscape, labels, np.arange(1, len(peaks) + 1))]


def join_shallow(labels: np.ndarray, landscape: np.ndarray, heights: np.ndarray, neck: float) -> np.ndarray:
    """Join neighbours between which the landscape hardly falls.

    Parameters
    ----------
    labels, landscape, heights
        From `basins`.
    neck : float
        Two parts are one object where the highest pass between them reaches this share of the lower of their peaks:
        at 0 all that touches is joined, above 1 nothing is.

    Returns
    -------
    ndarray of int32, shape (H, W)
        The labels; of joined parts that of the highest.

    Notes
    -----
    Passes are looked at from the highest down, as in a merge tree: a part that was joined counts with the highest peak
    of its whole.
    """
    one, other, height = passes(labels, landscape)
    if not len(one):
        return labels
    above = np.arange(len(heights))

    def root(part: int) -> int:
        while above[part] != part:
            above[part] = above[above[part]]
            part = above[part]
        return part

    for i in np.argsort(-height, kind="stable"):
        a, b = root(one[i]), root(other[i])
        if a != b and height[i] >= neck * min(heights[a], heights[b]):
            high, low = (a, b) if heights[a] >= heights[b] else (b, a)
            above[low] = high
    return np.array([root(part) for part in range(len(heights))], labels.dtype)[labels]


def passes(labels: np.ndarray, landscape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which labels lie side by side (with common sides of pixels), and the height of the highest pass between them.

    Returns
    -------
    one, other : ndarray of int, shape (n,)
        The pairs, ``one < other``.
    height : ndarray of float, shape (n,)
        The landscape at the best place to cross: there, the lower of the two pixels.
    """
    pairs, levels = [], []
    for here, there in (((slice(1, None),), (slice(-1),)), ((slice(None), slice(1, None)), (slice(None), slice(-1)))):
        a, b = labels[here], labels[there]
        meet = (a != b) & (a > 0) & (b > 0)
        pairs.append(np.sort(np.stack([a[meet], b[meet]]), axis=0))
        levels.append(np.minimum(landscape[here][meet], landscape[there][meet]))
    both, level = np.concatenate(pairs, axis=1), np.concatenate(levels)
    order = np.lexsort((-level, both[1], both[0]))
    both, level = both[:, order], level[order]
    first = np.ones(len(level), bool)
    first[1:] = (np.diff(both, axis=1) != 0).any(axis=0)
    return both[0][first], both[1][first], level[first]
