"""Focal planes: which of them is sharp."""

from __future__ import annotations

import numpy as np

from coverslip.core import Image, InputError


def sharpness(planes: np.ndarray) -> np.ndarray:
    """Mean gradient magnitude of each plane (Babu's thesis on spheroids, ch. 5).

    Parameters
    ----------
    planes : ndarray, shape (..., H, W)
        Grey values of any dtype, H and W at least 2.

    Returns
    -------
    ndarray of float64, shape (...)
        In grey values per pixel, ≥ 0. Comparable between planes of one field; not between stains or
        exposures, to which it is proportional.
    """
    if min(planes.shape[-2:], default=0) < 2:
        raise InputError(f"Sharpness needs planes of at least 2 x 2 pixels, not of shape {planes.shape}.")
    values = planes.astype(np.float32)
    dy, dx = np.gradient(values, axis=(-2, -1))
    return np.hypot(dy, dx).mean(axis=(-2, -1), dtype=np.float64)


def sharpest(image: Image, n: int = 1) -> np.ndarray:
    """The indices of the `n` sharpest focal planes of an image, in order of depth.

    Parameters
    ----------
    image : Image
        With a Z axis (``ZYX`` or ``CZYX``); the sharpness of a plane is the sum over its channels.
    n : int
        How many planes; of equally sharp ones the first wins.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    InputError
        If there is a T axis, no Z axis, or fewer than `n` planes.
    """
    if "Z" not in image.axes or "T" in image.axes:
        raise InputError(f"{image.source}: the sharpest plane is chosen from axes ZYX or CZYX, not '{image.axes}'.")
    return sharpest_planes(image.read().reshape(-1, *image.shape[-3:]), n, image.source)


def sharpest_planes(pixels: np.ndarray, n: int, source: str) -> np.ndarray:
    """As `sharpest`, of pixels ``(C, Z, H, W)`` that were read already; `source` names them in messages."""
    if not 1 <= n <= pixels.shape[1]:
        raise InputError(f"{source}: {n} planes were asked for, but there are {pixels.shape[1]}.")
    score = sharpness(pixels).sum(axis=0)
    return np.sort(np.argsort(-score, kind="stable")[:n])
