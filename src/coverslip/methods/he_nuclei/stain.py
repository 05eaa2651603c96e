"""From the colours of a section to the amount of haematoxylin: colour deconvolution, with a fixed matrix or one
estimated from the image.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Matrix = Literal["fixed", "macenko"]

RUIFROK = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""K of the source, equation 4.3: rows haematoxylin, eosin, DAB; columns red, green, blue."""

_FAINTEST = 1 / 255
_TRANSPARENT = 0.065
"""Optical density below which a pixel counts as glass."""
_EXTREME = 1.0
"""Percentile of the angles between which the stains of an image lie."""
_FEWEST = 100
_NARROW = 0.15
"""Radians: stains nearer to each other than this are one stain."""


def density(rgb: np.ndarray) -> np.ndarray:
    """Optical density ``-log10(I)`` of RGB in [0, 1] (1 is white), ``(3, H, W)`` float32; equation 4.2."""
    return -np.log10(np.clip(rgb, _FAINTEST, 1)).astype(np.float32)


def colours(density: np.ndarray) -> np.ndarray:
    """RGB in [0, 1] of optical densities ``(3, H, W)``."""
    return np.power(np.float32(10), -np.maximum(density, 0), dtype=np.float32)


def haematoxylin(density: np.ndarray, stains: np.ndarray = RUIFROK) -> np.ndarray:
    """The amount of haematoxylin at each pixel, equation 4.4.

    Parameters
    ----------
    density : ndarray, shape (3, H, W)
        Optical density.
    stains : ndarray, shape (3, 3) or (2, 3)
        Colours of the pure stains, haematoxylin first; they are brought to unit length.

    Returns
    -------
    ndarray, shape (H, W), float32
    """
    unit = stains / np.linalg.norm(stains, axis=1, keepdims=True)
    unmixing = np.linalg.pinv(unit)[:, 0].astype(np.float32)
    return np.tensordot(unmixing, density, axes=1)


def macenko(density: np.ndarray) -> np.ndarray | None:
    """Colours of haematoxylin and eosin as they are in an image.

    Parameters
    ----------
    density : ndarray, shape (3, ...)
        Optical density.

    Returns
    -------
    ndarray, shape (2, 3), or None
        Haematoxylin and eosin, unit length; None where too few pixels are stained, or there is one stain alone.

    References
    ----------
    Macenko et al., A method for normalizing histology slides for quantitative analysis, ISBI 2009.
    """
    stained = density.reshape(3, -1).T
    stained = stained[(stained > _TRANSPARENT).all(axis=1)]
    if len(stained) < _FEWEST:
        return None
    _, axes = np.linalg.eigh(np.cov(stained.T))
    plane = axes[:, [2, 1]]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1, 1)
    along, across = (stained @ plane).T
    low, high = np.percentile(np.arctan2(across, along), [_EXTREME, 100 - _EXTREME])
    if high - low < _NARROW:
        return None
    both = [plane @ np.array([np.cos(angle), np.sin(angle)]) for angle in (low, high)]
    # Haematoxylin takes more red out of the light than eosin does.
    red = [stain[0] / np.linalg.norm(stain) for stain in both]
    found = np.stack(both if red[0] >= red[1] else both[::-1])
    return found if (found[0] > 0).all() else None
