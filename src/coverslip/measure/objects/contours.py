"""How far apart the outlines of matched objects lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.objects.matching import match
from coverslip.measure.objects.overlaps import Overlap


@dataclass(frozen=True)
class BoundaryDistances:
    """Distances between the outlines of matched objects, one of each kind per pair.

    Parameters
    ----------
    mean : ndarray of float, shape (TP,)
        Mean distance from each outline pixel of either object to the outline of the other.
    hausdorff95 : ndarray of float, shape (TP,)
        The distance within which 95 % of the outline lie, of the object for which it is larger.
    """

    mean: np.ndarray = field(repr=False)
    hausdorff95: np.ndarray = field(repr=False)


def boundary_distances(
    truth: Any, prediction: Any, overlap: Overlap, spacing: tuple[float, float] = (1.0, 1.0)
) -> BoundaryDistances:
    """Distances between the outlines of the objects that are matched at IoU 0.5.

    An outline is the pixels of an object that have a pixel of something else, or the edge of the image, beside them
    (above, below, left or right). Distances are exact, from pixel centre to pixel centre.

    Parameters
    ----------
    truth, prediction : array of int, shape (H, W)
        The label images.
    overlap : Overlap
        What their objects share.
    spacing : (float, float)
        Height and width of a pixel, in the unit that the distances shall have.

    Returns
    -------
    BoundaryDistances
        In the order of ``match(overlap)``.

    Raises
    ------
    InputError
        If the images are not of two dimensions.

    References
    ----------
    Taha and Hanbury: Metrics for evaluating 3D medical image segmentation, BMC Medical Imaging 15 (2015).
    """
    images = np.asarray(truth), np.asarray(prediction)
    if any(image.ndim != 2 for image in images):
        raise InputError(f"Outlines are those of two-dimensional images, not of {images[0].shape}.")
    pairs = match(overlap)
    if not pairs.tp:
        return BoundaryDistances(np.empty(0), np.empty(0))
    a = _outlines(images[0], overlap.truth_ids[pairs.truth], spacing)
    b = _outlines(images[1], overlap.prediction_ids[pairs.prediction], spacing)
    there, back = _nearest(a, b), _nearest(b, a)
    sums = [np.bincount(x.pair, d, minlength=pairs.tp) for x, d in ((a, there), (b, back))]
    counts = [np.bincount(x.pair, minlength=pairs.tp) for x in (a, b)]
    return BoundaryDistances(
        (sums[0] + sums[1]) / (counts[0] + counts[1]),
        np.maximum(_quantiles(a.pair, there, 0.95), _quantiles(b.pair, back, 0.95)),
    )


@dataclass(frozen=True)
class _Outlines:
    """Outline pixels: their place, ``(K, 2)``, and the number of the pair they belong to, ``(K,)``."""

    place: np.ndarray
    pair: np.ndarray


def _outlines(labels: np.ndarray, ids: np.ndarray, spacing: tuple[float, float]) -> _Outlines:
    """The outlines of the objects `ids`; object ``ids[k]`` belongs to pair ``k``."""
    outline = np.zeros(labels.shape, dtype=bool)
    down, across = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    outline[1:] |= down
    outline[:-1] |= down
    outline[:, 1:] |= across
    outline[:, :-1] |= across
    outline[[0, -1]] = True
    outline[:, [0, -1]] = True
    y, x = np.nonzero(outline & (labels != 0))
    found = labels[y, x]
    order = np.argsort(ids)
    position = np.searchsorted(ids, found, sorter=order)
    pair = order[np.minimum(position, len(ids) - 1)]
    matched = ids[pair] == found
    place = np.stack([y[matched] * spacing[0], x[matched] * spacing[1]], axis=1)
    return _Outlines(place, pair[matched])


def _nearest(a: _Outlines, b: _Outlines) -> np.ndarray:
    """Distance from each pixel of `a` to the nearest of `b` that belongs to the same pair."""
    from scipy.spatial import KDTree

    # In a third dimension the pairs lie farther apart than any two pixels, so that one tree keeps them separate.
    apart = 2 * (a.place.max() + b.place.max() + 1)
    points = [np.column_stack([x.place, x.pair * apart]) for x in (a, b)]
    return np.asarray(KDTree(points[1], balanced_tree=False).query(points[0])[0])


def _quantiles(groups: np.ndarray, values: np.ndarray, q: float) -> np.ndarray:
    """The quantile of the values of each group, interpolated as by `numpy.quantile`; every group has values."""
    ordered = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups)
    place = q * (sizes - 1) + np.cumsum(sizes) - sizes
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.cumsum(sizes) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
