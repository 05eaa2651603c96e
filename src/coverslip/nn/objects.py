"""What an object is: one connected piece; without holes and not cut by the border, where that is wanted."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from coverslip.core import Region

_CROSS = ndimage.generate_binary_structure(2, 1)


def in_one_piece(labels: np.ndarray) -> np.ndarray:
    """Each object without what does not touch it: of several pieces the largest stays.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Objects; pixels that meet at a corner touch.

    Returns
    -------
    ndarray, same shape and dtype
        The same numbers; pixels of other pieces are 0.
    """
    from skimage.measure import label

    pieces = label(labels, connectivity=2)
    area = np.bincount(pieces.ravel())
    owner = np.zeros(len(area), np.intp)
    owner[pieces.ravel()] = labels.ravel()
    order = np.lexsort((-area, owner))  # of each object the largest piece first
    kept = np.zeros(len(area), bool)
    kept[order[np.unique(owner[order], return_index=True)[1]]] = True
    return np.where(kept[pieces], labels, 0).astype(labels.dtype)


def without_holes(labels: np.ndarray) -> np.ndarray:
    """Objects with what they enclose: background that touches one object and not the border of the array.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Objects.

    Returns
    -------
    ndarray, same shape and dtype
    """
    framed = np.pad(labels, 1)
    holes, count = ndimage.label(framed == 0, _CROSS)
    beside = np.where(framed == 0, np.iinfo(labels.dtype).max, framed)
    numbers = np.arange(count + 1)
    highest = ndimage.maximum(ndimage.maximum_filter(framed, footprint=_CROSS), holes, numbers)
    lowest = ndimage.minimum(ndimage.minimum_filter(beside, footprint=_CROSS), holes, numbers)
    owner = np.where(np.asarray(highest) == lowest, highest, 0).astype(labels.dtype)
    owner[holes[0, 0]] = 0
    return np.where(holes > 0, owner[holes], framed)[1:-1, 1:-1]


def not_at(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Objects ``(H, W)`` without those that have a pixel at the places, bool ``(H, W)``; the numbers stay."""
    gone = np.zeros(int(labels.max(initial=0)) + 1, bool)
    gone[labels[places]] = True
    return np.where(gone[labels], 0, labels).astype(labels.dtype)


def border(window: Region, size: tuple[int, int], nowhere: np.ndarray | None = None) -> np.ndarray:
    """Pixels of a window beside which the image of a height and width ends, or what holds no image; bool ``(h, w)``."""
    height, width = size
    nothing = np.zeros((window.height, window.width), bool) if nowhere is None else nowhere
    whole = np.pad(nothing, 1, constant_values=False)
    whole[0], whole[-1] = window.y == 0, window.stop_y == height
    whole[:, 0] |= window.x == 0
    whole[:, -1] |= window.stop_x == width
    return np.asarray(ndimage.binary_dilation(whole, np.ones((3, 3)))[1:-1, 1:-1])
