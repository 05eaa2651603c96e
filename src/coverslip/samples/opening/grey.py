"""Pictures in colours, and others of several channels, as grey ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.samples.opening.channels import RGB

GREY = "grey"
"""Asked for by this name, one channel is made of all."""

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""How bright the eye finds red, green and blue (ITU-R BT.601)."""


def as_grey(pixels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """One channel of several.

    Parameters
    ----------
    pixels : ndarray, shape (C, H, W)
        As stored.
    names : sequence of str
        Of the channels: red, green and blue are weighted as the eye does; the mean of others is taken.

    Returns
    -------
    ndarray, shape (1, H, W)
        In the type as stored; whole numbers are rounded.
    """
    if len(pixels) == 1:
        return pixels
    weights = _LUMINANCE if tuple(names) == RGB else np.full(len(pixels), 1 / len(pixels), np.float32)
    mixed = np.tensordot(weights, pixels.astype(np.float32), axes=1)[None]
    return (np.rint(mixed) if pixels.dtype.kind in "iu" else mixed).astype(pixels.dtype)
