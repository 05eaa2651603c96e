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

DEPTH = 4.0
"""Pixels below the border from which on a distance counts as 1."""

_BOUNDARY = 2.0
_ORDINARY_AREA = 400
_HEAVIEST = 6.0
_BETWEEN = 1.0


def targets(labels: np.ndarray, separation: Separation) -> np.ndarray:
    """Targets of one label image.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Objects numbered from 1 without large gaps; 0 is background.
    separation : {"distance", "boundary", "offset"}
        - ``distance``: depth below the object's border, 1 from 4 pixels on, 0 in the background;
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
    return np.stack([foreground, np.minimum(depth, DEPTH) / DEPTH]).astype(np.float32)


def scribbled(mask: np.ndarray) -> np.ndarray:
    """Scribbles as labels: −1 where nobody has labelled, 0 in the background, objects from 1 on.

    Parameters
    ----------
    mask : ndarray of int, shape (H, W)
        0: not labelled; 1: background; each number from 2 on: an object, all of it or strokes in it.
    """
    numbers, places = np.unique(mask, return_inverse=True)
    new = np.cumsum(numbers > 1) * (numbers > 1) - (numbers == 0)
    return new[places].reshape(mask.shape).astype(np.int32)


def targets_and_weight(labels: np.ndarray, separation: Separation) -> np.ndarray:
    """`targets`, and behind them `emphasis`, ``(K + 1, H, W)``; where labels are below 0 nothing counts."""
    whole = np.maximum(labels, 0)
    weight = np.where(labels < 0, np.float32(0), emphasis(whole))
    return np.concatenate([targets(whole, separation), weight[None]])


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


def emphasis(labels: np.ndarray) -> np.ndarray:
    """How much each pixel counts in the loss: more on small objects and their surroundings, and between objects.

    Without it a speck of 12 pixels is not worth learning beside nuclei of 600, though as an object it counts the same.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Objects numbered from 1 without large gaps; 0 is background.

    Returns
    -------
    ndarray, shape (H, W), float32
        ``(400 / area)^0.5`` in [1, 6] on objects and up to three pixels around them, else 1; plus 1 within two pixels
        of both of two objects.
    """
    if not labels.any():
        return np.ones(labels.shape, np.float32)
    area = np.bincount(labels.ravel())
    of_object = np.clip(np.sqrt(_ORDINARY_AREA / np.maximum(area, 1)), 1, _HEAVIEST)
    away, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    weight = np.where(away <= 3, of_object[labels[tuple(nearest)]], 1.0)
    highest = ndimage.maximum_filter(labels, 5)
    lowest = ndimage.minimum_filter(np.where(labels == 0, np.iinfo(labels.dtype).max, labels), 5)
    return (weight + _BETWEEN * ((highest > 0) & (highest != lowest))).astype(np.float32)
