"""From what the network says of each pixel to objects."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from coverslip.methods.unet.targets import OFFSET_UNIT, Separation
from coverslip.nn.objects import in_one_piece

PEAK = 0.2
"""How far a top of the distance map rises over the saddle to its neighbour if it is an object of its own."""
STEP = 1e-3
VOTES_BLUR, VOTES_APART, VOTES_FEWEST, VOTES_FAR = 2.0, 11, 0.3, 24
"""Votes for centres: how they are blurred, the window in which one centre wins, pixels, and how high it must be."""


def decode(
    maps: np.ndarray, separation: Separation, *, threshold: float = 0.5, peak: float = PEAK, min_area: int = 0
) -> np.ndarray:
    """Objects of one field.

    Parameters
    ----------
    maps : ndarray, shape (K, H, W), float32
        Foreground probability, then the channels that `separation` names (see `targets`), boundary as probability.
    separation : {"distance", "boundary", "offset"}
        What they mean.
    threshold : float
        Foreground is where the probability is above this.
    peak : float
        For distances: how far a top must rise over the saddle to its neighbour to be an object of its own.
    min_area : int
        Objects of fewer pixels are left out.

    Returns
    -------
    ndarray of int32, shape (H, W)
        Objects numbered from 1 without gaps, each in one piece, 0 background.
    """
    foreground = maps[0] > threshold
    if separation == "distance":
        labels = by_distance(maps[1], foreground, peak)
    elif separation == "boundary":
        labels = by_boundary(maps[1], foreground)
    else:
        labels = by_offset(maps[1:], foreground)
    return without_small(in_one_piece(labels), min_area)


def by_distance(distance: np.ndarray, foreground: np.ndarray, peak: float) -> np.ndarray:
    # Tops that rise by `peak` are cut off by that much, so that each is one flat piece; then the flat tops are found.
    cut = reconstruction(distance - peak, distance)
    tops = cut > reconstruction(cut - STEP, cut) + STEP / 2
    markers, _ = ndimage.label(tops & foreground, structure=np.ones((3, 3)))
    labels = watershed(-distance, markers, mask=foreground)
    flat, _ = ndimage.label(foreground & (labels == 0))  # pieces without a top of their own
    return np.where(flat > 0, flat + labels.max(initial=0), labels)


def by_boundary(boundary: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    markers, count = ndimage.label(foreground & (boundary < 0.5))
    labels = watershed(boundary, markers, mask=foreground)
    thin, _ = ndimage.label(foreground & (labels == 0))  # objects that are all boundary
    return np.where(thin > 0, thin + count, labels)


def by_offset(offset: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(foreground)
    labels = np.zeros(foreground.shape, np.int32)
    if not len(rows):
        return labels
    aimed = [
        np.clip(np.round(here + OFFSET_UNIT * way[rows, columns]), 0, length - 1).astype(np.intp)
        for here, way, length in zip((rows, columns), offset, foreground.shape, strict=True)
    ]
    votes = np.zeros(foreground.shape, np.float32)
    np.add.at(votes, tuple(aimed), 1)
    votes = ndimage.gaussian_filter(votes, VOTES_BLUR)
    peaks = (votes == ndimage.maximum_filter(votes, VOTES_APART)) & (votes > VOTES_FEWEST)
    centres, count = ndimage.label(peaks, structure=np.ones((3, 3)))
    if not count:
        return np.asarray(ndimage.label(foreground)[0])
    away, nearest = ndimage.distance_transform_edt(centres == 0, return_indices=True)
    # What aims at no centre is an object of its own, not of one somewhere else: then blocks give what the whole gives.
    labels[rows, columns] = np.where(away[tuple(aimed)] > VOTES_FAR, 0, centres[tuple(nearest)][tuple(aimed)])
    lost, _ = ndimage.label(foreground & (labels == 0))
    return np.where(lost > 0, lost + count, labels)


def without_small(labels: np.ndarray, min_area: int) -> np.ndarray:
    """Leave out objects of fewer than `min_area` pixels and number the others from 1 without gaps."""
    areas = np.bincount(labels.ravel())
    kept = (areas >= max(min_area, 1)) & (np.arange(len(areas)) > 0)
    return (np.cumsum(kept) * kept).astype(np.int32)[labels]
