"""An image continued beyond where it ends, so that a network sees no edge there."""

from __future__ import annotations

import numpy as np

_DEPTH = 32
_BLUR = 4.0
_BLUR_REACH = 16
REACH = 2 * _DEPTH + _BLUR_REACH
"""What is put in a place depends on pixels that are so far away at most."""


def continued(pixels: np.ndarray, empty: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Fill what holds no image with what is on the other side of its edge, blurred so that no object shows in it.

    A constant would do for an even background alone: on another one it makes bumps that look like cut objects.

    Parameters
    ----------
    pixels : ndarray, shape (C, H, W)
        Grey values.
    empty : ndarray of bool, shape (H, W)
        Where there is no image.
    middle : ndarray, shape (C,)
        What is put further than 32 pixels from it.

    Returns
    -------
    ndarray of float32, shape (C, H, W)
        The same where there is an image.
    """
    from scipy import ndimage

    plain = pixels.astype(np.float32)
    filled = np.broadcast_to(middle.astype(np.float32)[:, None, None], plain.shape)
    if not empty.any() or empty.all():
        return np.where(empty, filled, plain)
    depth, nearest = ndimage.distance_transform_edt(empty, return_indices=True)
    rows, columns = (
        np.clip(2 * at - np.expand_dims(np.arange(length), 1 - axis), 0, length - 1)
        for axis, (at, length) in enumerate(zip(nearest, empty.shape, strict=True))
    )
    mirrored = ~empty[rows, columns] & (depth <= _DEPTH)
    filled = np.where(empty, np.where(mirrored, plain[:, rows, columns], filled), plain)
    blurred = ndimage.gaussian_filter(filled, (0, _BLUR, _BLUR), radius=(0, _BLUR_REACH, _BLUR_REACH), mode="nearest")
    return np.where(empty, blurred, plain)
