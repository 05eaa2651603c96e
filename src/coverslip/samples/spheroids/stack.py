"""Focal planes of an image as three aligned channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import InputError
from coverslip.samples.opening.focus import sharpest_planes, sharpness

PLANES = 3


@dataclass(frozen=True)
class Planes:
    """Three planes of an image.

    Parameters
    ----------
    pixels : ndarray, shape (3, H, W)
        As stored, in order of depth, moved over each other; of an image with one or two planes some are repeated.
    chosen : tuple of int
        Which planes they are.
    sharpest : int
        The sharpest plane of the image.
    shift : float
        The largest shift that was corrected, pixels.
    sharpness : float
        Of the sharpest plane, as a share of its mean grey value.
    """

    pixels: np.ndarray
    chosen: tuple[int, ...]
    sharpest: int
    shift: float
    sharpness: float


def three_planes(pixels: np.ndarray, source: str = "the image") -> Planes:
    """Choose the three sharpest planes and move them over each other.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (Z, H, W)
    source : str
        Names the image in messages.

    Raises
    ------
    InputError
        If it has other axes.
    """
    stack = pixels[None] if pixels.ndim == 2 else pixels
    if stack.ndim != 3 or not stack.shape[0] or min(stack.shape[1:]) < 8:
        raise InputError(
            f"{source}: a brightfield image has axes YX or ZYX and 8 x 8 pixels or more, not {pixels.shape}."
        )
    scores = sharpness(stack)
    best = int(scores.argmax())
    if len(stack) >= PLANES:
        chosen = sharpest_planes(stack[None], PLANES, source).tolist()
    else:
        chosen = [0, best, len(stack) - 1]
    shifts = {z: _shift(stack[best], stack[z]) for z in set(chosen) - {best}}
    aligned = np.stack([stack[z] if z == best else _moved(stack[z], shifts[z]) for z in chosen])
    largest = max((float(np.abs(by).max()) for by in shifts.values()), default=0.0)
    relative = float(scores[best]) / max(float(stack[best].mean()), 1e-12)
    return Planes(aligned, tuple(chosen), best, largest, relative)


def _shift(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """How far `moving` must be moved, to a tenth of a pixel; planes of other sharpness are compared blurred."""
    from scipy.ndimage import gaussian_filter
    from skimage.registration import phase_cross_correlation

    window = np.hanning(fixed.shape[0])[:, None] * np.hanning(fixed.shape[1])
    sigma = min(fixed.shape) / 60

    def smooth(plane: np.ndarray) -> np.ndarray:
        values = gaussian_filter(plane.astype(np.float32), sigma)
        return np.asarray((values - np.median(values)) * window)

    found = phase_cross_correlation(smooth(fixed), smooth(moving), upsample_factor=10, normalization=None)[0]
    # The stage drifts by little; more than a tenth of the side is a match gone wrong.
    return found if np.abs(found).max() <= min(fixed.shape) / 10 else np.zeros(2)


def _moved(plane: np.ndarray, by: np.ndarray) -> np.ndarray:
    from scipy.ndimage import shift

    if not by.any():
        return plane
    moved = shift(plane.astype(np.float32), by, order=1, mode="nearest")
    if plane.dtype.kind == "f":
        return np.asarray(moved, plane.dtype)
    limits = np.iinfo(plane.dtype)
    return np.clip(np.round(moved), limits.min, limits.max).astype(plane.dtype)
