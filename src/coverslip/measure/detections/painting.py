"""Outlines as pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.core import Region
from coverslip.core.marks import Rings


def inside(rings: Rings, shape: tuple[int, int], corner: np.ndarray, step: float | np.ndarray = 1.0) -> np.ndarray:
    """Which points of a grid lie in an outline: in an odd number of its rings; ``shape``, bool.

    Parameters
    ----------
    rings : Rings
        The outline, ``x, y``.
    shape : tuple of int
        Rows and columns of the grid.
    corner : ndarray, shape (2,)
        Where it begins, ``x, y``.
    step : float or ndarray, shape (2,)
        From one of its points to the next, pixels; the points are the middles of such squares.
    """
    from skimage.draw import polygon2mask

    found = np.zeros(shape, bool)
    for ring in rings:
        found ^= polygon2mask(shape, ((ring - corner) / step)[:, ::-1] - 0.5)
    return found


def painted(outlines: Sequence[Rings], values: Sequence[int], size: tuple[int, int], scale: float = 1.0) -> np.ndarray:
    """A picture of outlines, int32, 0 outside; where they overlap the last counts.

    Parameters
    ----------
    outlines : sequence of Rings
        What is painted, one over the other.
    values : sequence of int
        What the pixels of each become.
    size : tuple of int
        Height and width of the image.
    scale : float
        Pixels of the picture for each of the image.
    """
    shape = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    canvas = np.zeros(shape, np.int32)
    for rings, value in zip(outlines, values, strict=True):
        corners = np.concatenate(rings) * scale
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), np.array(shape[::-1]))
        if (high <= low).any():
            continue
        part = Region(int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0]))
        canvas[part.slices][inside(rings, (part.height, part.width), low / scale, 1 / scale)] = value
    return canvas
