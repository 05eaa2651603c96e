"""What regions hold, as numbers: how many cells of each type there are, how deep they lie, how dense they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.core import Detections
from coverslip.core.marks import Rings
from coverslip.measure.detections.places import area_of

_FEWEST = 0.5
"""Cells that are added to those of a region, so that the logarithm of none is known."""
_USUAL = 2.0
"""Cells at the mean depth of a region that are added to those of a type, so that a single cell says little."""
_BORDER = 2.0
"""Pixels from the border of the image within which the line of a region is that of the cut, not its wall."""
_BLOCK = 4096
"""Points whose distances are measured at once."""


def contents(found: Detections, types: Sequence[str], um: float | None = None) -> np.ndarray:
    """Numbers of each region, from the cells whose middle lies in it.

    Parameters
    ----------
    found : Detections
        Cells with their regions (`coverslip.measure.detections.places.in_regions`), R of them.
    types : sequence of str
        The K types that count; cells of others are not looked at.
    um : float, optional
        µm per pixel of images that do not say theirs, for the density; None: cells per 1,000 pixels of all images.

    Returns
    -------
    ndarray, shape (R, 2 K + 1)
        The square root of the share of each type, so that single cells of a rare type count alike to those of a usual
        one; the mean depth of each type, where 0 is the wall of the region and 1
        its radius (that of a circle of its area) further in; the logarithm of cells per 1,000 µm².
    """
    regions = found.regions
    assert regions is not None
    place = {name: code for code, name in enumerate(types)}
    code_of = np.array([place.get(name, -1) for name in found.classes] + [-1])
    codes, at, middle = code_of[found.codes], np.asarray(found.columns["region"], int), found.centres
    size = found.pixel_size
    scale = 1.0 if um is None else um if size is None else float(np.sqrt(size.y * size.x))
    rows = np.zeros((len(regions), 2 * len(types) + 1))
    for i, rings in enumerate(regions.outlines or ()):
        inside = np.flatnonzero((at == i + 1) & (codes >= 0))
        area = max(area_of(rings), 1.0)
        deep = depths(middle[inside], rings, found.size) / np.sqrt(area / np.pi)
        counts = np.bincount(codes[inside], minlength=len(types))
        total, mean = len(inside), deep.mean() if len(inside) else 0.0
        shares = np.sqrt(counts / max(total, 1))
        sums = np.bincount(codes[inside], deep, minlength=len(types))
        density = np.log((total + _FEWEST) / (area * scale**2 / 1000))
        rows[i] = [*shares, *(sums + _USUAL * mean) / (counts + _USUAL), density]
    return rows


def counts_in(found: Detections, types: Sequence[str]) -> np.ndarray:
    """How many cells of each type the middle of which lies in each region; ``(R, K)``."""
    assert found.regions is not None
    at = np.asarray(found.columns["region"], int)
    each = [np.bincount(at[found.names == name], minlength=len(found.regions) + 1)[1:] for name in types]
    return np.stack(each, axis=1) if each else np.zeros((len(found.regions), 0), int)


def depths(points: np.ndarray, rings: Rings, size: tuple[int, int]) -> np.ndarray:
    """How far points ``(N, 2)`` lie from the wall of a region, pixels, ``(N,)``.

    Where the border of the image, of height and width `size`, cuts the region, there is no wall; a region without any
    is looked at as if its cuts were.
    """
    starts = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    cut = np.zeros(len(starts), bool)
    for axis, last in ((0, size[1]), (1, size[0])):
        for edge in (0, last):
            cut |= (np.abs(starts[:, axis] - edge) < _BORDER) & (np.abs(ends[:, axis] - edge) < _BORDER)
    if not cut.all():
        starts, ends = starts[~cut], ends[~cut]
    along = ends - starts
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    found = [np.zeros(0)]
    for first in range(0, len(points), _BLOCK):
        off = points[first : first + _BLOCK, None] - starts
        nearest = np.clip((off * along).sum(axis=2) / length, 0, 1)
        found.append(np.linalg.norm(off - nearest[..., None] * along, axis=2).min(axis=1))
    return np.concatenate(found)
