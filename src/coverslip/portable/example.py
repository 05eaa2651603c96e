"""An image to test a package with: part of a real one, or drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Region
from coverslip.core.words import number_of
from coverslip.nn.portable import Portable

_SIDE = 512
_EPS = 1e-6
"""What the package format adds to the range that it divides by."""


def halo(portable: Portable) -> int:
    """Pixels at the border of a tile whose values are not those of the whole image."""
    return -(-portable.reach // portable.multiple) * portable.multiple


def smallest_side(portable: Portable) -> int:
    """The smallest tile that has a pixel left when the halo is cut off."""
    return 2 * halo(portable) + portable.multiple


def drawn_example(portable: Portable) -> np.ndarray:
    """Discs of the usual size in noise, ``(C, H, W)`` float32: nobody's image, so that it may go anywhere."""
    side = _side(portable, _SIDE)
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side]
    radius = portable.diameter / 2
    bright = np.zeros((side, side))
    for y, x in rng.uniform(0, side, (max(4, int(side**2 / (6 * portable.diameter**2))), 2)):
        depth = radius * rng.uniform(0.8, 1.2) - np.hypot(rows - y, columns - x)
        bright = np.maximum(bright, rng.uniform(0.5, 1) / (1 + np.exp(-depth.clip(-50, 50))))
    noise = rng.normal(0, 20, (len(portable.inputs), side, side))
    return (200 + 2000 * bright + noise).round().clip(0, 65535).astype(np.float32)


def example_from(portable: Portable, image: str | Path, fields: Any) -> np.ndarray:
    """The middle of an image, ``(C, H, W)`` float32 grey values.

    Raises
    ------
    InputError
        If it has other channels than the model was fitted to, or is too small.
    """
    height, width = fields.size(0)
    smallest = smallest_side(portable)
    if fields.count != len(portable.inputs):
        raise InputError(
            f"{image} has {number_of(fields.count, 'channel')}, but the model was fitted to {len(portable.inputs)}: "
            "give an image like those it was fitted to."
        )
    if min(height, width) < smallest:
        raise InputError(f"{image} has {height} x {width} pixels; an example has at least {smallest} x {smallest}.")
    side = _side(portable, min(height, width, _SIDE))
    middle = Region((height - side) // 2, (width - side) // 2, side, side)
    return np.asarray(fields.pixels(0, middle), dtype=np.float32)


def scaled(pixels: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    """Grey values ``(C, H, W)`` so that their percentiles are 0 and 1, as the package format defines it."""
    low, high = np.percentile(pixels, percentiles, axis=(1, 2), keepdims=True)
    return ((pixels - low) / (high - low + _EPS)).astype(np.float32)


def _side(portable: Portable, wanted: int) -> int:
    return max(wanted // portable.multiple * portable.multiple, smallest_side(portable))
