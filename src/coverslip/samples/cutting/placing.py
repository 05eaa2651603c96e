"""Where objects are put down: beside another one so that a given share is common, and apart from all others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from coverslip.core import InputError, Region

NEAR = 2
"""The smallest distance between masks that do not overlap, pixels."""

_FAR = 6
"""The largest between those of a pair."""
_TOLERANCE, _MOST = 0.02, 0.05
"""How far the overlap of a pair may be from what is wanted: where some place is that good, and at all."""
_TRIES = 2000


@dataclass(frozen=True)
class Part:
    """An object on its way into a phantom.

    Parameters
    ----------
    pixels, mask : ndarray, shape (h, w)
        What it adds, and where it is.
    field, label : int
        The field that it was cut out of, and its label there.
    top_px, left_px : int
        Where it begins: in the image, before that seen from the first of its pair.
    overlap, covered : float
        Share of the smaller one of its pair, and of itself, that both have.
    object, pair : int
        Its number in the image, and that of its pair; 0 where it has none.
    """

    pixels: np.ndarray
    mask: np.ndarray
    field: int
    label: int
    top_px: int = 0
    left_px: int = 0
    overlap: float = 0
    covered: float = 0
    object: int = 0
    pair: int = 0

    @property
    def area_px(self) -> int:
        """Pixels of the mask."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> Region:
        """What its crop fills."""
        return Region(self.top_px, self.left_px, *self.mask.shape)


def corners_sharing(one: np.ndarray, other: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the second mask can begin, seen from the first, to share what is wanted; and how many pixels that is."""
    if share > 0:
        common = _common(one, other)
        off = np.abs(common / min(np.count_nonzero(one), np.count_nonzero(other)) - share)
        off[common == 0] = np.inf
        best = off.min()
        good = off <= (_TOLERANCE if best <= _TOLERANCE else min(best, _MOST))
        margin = 0
    else:
        from scipy import ndimage

        margin = _FAR
        distance = ndimage.distance_transform_edt(~np.pad(one, margin))
        common = _common(distance < _FAR, other)
        good = (_common(distance < NEAR, other) == 0) & (common > 0)
        common = np.zeros_like(common)
    corners = np.argwhere(good) - (np.array(other.shape) - 1) - margin
    return corners, common[good]


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pixels that two masks share for each place of the second; at ``[i, j]`` it begins at ``(i, j) - size + 1``."""
    from scipy.signal import correlate

    return np.rint(correlate(one.astype(np.float32), other.astype(np.float32), method="fft")).astype(np.int64)


def free_place(taken: np.ndarray, group: list[Part], rng: np.random.Generator) -> tuple[int, int]:
    """How far to move a group so that all of it is in the image and apart from the others; its place is taken."""
    from scipy import ndimage

    boxes = [part.box for part in group]
    top, left = min(box.y for box in boxes), min(box.x for box in boxes)
    shape = max(box.stop_y for box in boxes) - top, max(box.stop_x for box in boxes) - left
    union = np.zeros(shape, bool)
    for part in group:
        union[replace(part.box, y=part.top_px - top, x=part.left_px - left).slices] |= part.mask
    size = [side - 2 * NEAR for side in taken.shape]
    free = [whole - side for whole, side in zip(size, shape, strict=True)]
    if min(free) >= 0:
        for y, x in rng.integers(np.array(free) + 1, size=(_TRIES, 2)).tolist():
            if not (taken[Region(y + NEAR, x + NEAR, *shape).slices] & union).any():
                around = ndimage.binary_dilation(np.pad(union, NEAR), iterations=NEAR)
                taken[Region(y, x, *around.shape).slices] |= around
                return y - top, x - left
    raise InputError(
        f"An image of {size[0]} x {size[1]} pixels has no room for so many objects; ask for fewer, or for larger "
        "images."
    )
