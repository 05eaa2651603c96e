"""Images of any size brought to one height and width."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from coverslip.core import InputError

Aspect = Literal["kept", "stretched"]


class SizesDiffer(InputError):
    """Images that are to be samples have several sizes, and nothing says which they should have."""


def sized(pixels: np.ndarray, size: int, aspect: Aspect = "kept") -> np.ndarray:
    """Images at one height and width.

    Parameters
    ----------
    pixels : ndarray, shape (N, C, H, W)
        Any dtype, which stays.
    size : int
        Height and width.
    aspect : {"kept", "stretched"}
        ``kept``: the longer side becomes `size`, and the image lies in the middle of a square that is filled with the
        median of its border, each channel for itself; ``stretched``: both sides become `size`.

    Returns
    -------
    ndarray, shape (N, C, size, size)
        The same array where it has this size. Bilinear, averaged where it shrinks.

    Raises
    ------
    InputError
        If there is no such way.
    """
    if aspect not in get_args(Aspect):
        raise InputError(f"Proportions are kept or stretched, not '{aspect}'.")
    height, width = pixels.shape[-2:]
    if (height, width) == (size, size):
        return pixels
    longer = max(height, width)
    wanted = (size, size)
    if aspect == "kept":
        wanted = max(1, round(size * height / longer)), max(1, round(size * width / longer))
    found = _resized(pixels, wanted)
    if wanted == (size, size):
        return found
    out = np.empty((*pixels.shape[:2], size, size), pixels.dtype)
    out[...] = _border(pixels)[..., None, None]
    top, left = (size - wanted[0]) // 2, (size - wanted[1]) // 2
    out[..., top : top + wanted[0], left : left + wanted[1]] = found
    return out


def _resized(pixels: np.ndarray, wanted: tuple[int, int]) -> np.ndarray:
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(pixels.astype(np.float32))
    shrunk = min(wanted) < max(pixels.shape[-2:])
    found = F.interpolate(x, wanted, mode="bilinear", antialias=shrunk).numpy()
    if pixels.dtype.kind not in "ui":
        return found > 0.5 if pixels.dtype.kind == "b" else found.astype(pixels.dtype)
    limits = np.iinfo(pixels.dtype)
    return found.round().clip(limits.min, limits.max).astype(pixels.dtype)


def _border(pixels: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels, ``(N, C)``."""
    sides = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., :, 0], pixels[..., :, -1])
    return np.median(np.concatenate(sides, axis=-1), axis=-1).astype(pixels.dtype)
