"""What the network should say of each pixel, made from labels; one function per kind of output.

The first channel always is the foreground; the others tell touching objects apart.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

Separation = Literal["distance", "boundary", "offset"]

CHANNELS: dict[str, int] = {"distance": 2, "boundary": 2, "offset": 3}
"""Output channels of each kind, the foreground included."""

OFFSET_UNIT = 16.0
"""Pixels that an offset of 1 stands for."""

_BOUNDARY = 2.0


def targets(labels: np.ndarray, separation: Separation) -> np.ndarray:
    """Targets of one label image.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Objects numbered from 1 without large gaps; 0 is background.
    separation : {"distance", "boundary", "offset"}
        - ``distance``: depth below the object's border, 1 at its deepest place, 0 in the background;
        - ``boundary``: 1 within two pixels of the border, inside the object;
        - ``offset``: where the object's centroid lies from here, rows and columns, in units of 16 pixels.

    Returns
    -------
    ndarray, shape (K, H, W), float32
        Foreground, then the channels of the kind; K as in `CHANNELS`.
    """
    foreground = labels > 0
    if separation == "offset":
        return np.stack([foreground, *offsets(labels)]).astype(np.float32)
    depth = _depth(labels, foreground)
    if separation == "boundary":
        return np.stack([foreground, foreground & (depth <= _BOUNDARY)]).astype(np.float32)
    deepest = np.zeros(labels.max() + 1)
    np.maximum.at(deepest, labels[foreground], depth[foreground])
    deepest[deepest == 0] = 1
    return np.stack([foreground, depth / deepest[labels]]).astype(np.float32)


def _depth(labels: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Distance of each object pixel from its object's outermost pixels, which have 1; 0 in the background.

    One transform serves all objects: a neighbour's outermost pixels are never nearer than an object's own.
    """
    outermost = find_boundaries(labels, mode="inner")
    if not outermost.any():
        return foreground.astype(np.float64)
    return np.where(foreground, ndimage.distance_transform_edt(~outermost) + 1, 0.0)


def offsets(labels: np.ndarray) -> np.ndarray:
    """From each object pixel to its object's centroid, ``(2, H, W)`` rows and columns in units of 16 pixels."""
    flat = labels.ravel()
    area = np.maximum(np.bincount(flat), 1)
    found = []
    for grid in np.indices(labels.shape, dtype=np.float32):
        centroid = np.bincount(flat, grid.ravel()) / area
        found.append(np.where(labels > 0, centroid[labels] - grid, 0) / OFFSET_UNIT)
    return np.stack(found)
