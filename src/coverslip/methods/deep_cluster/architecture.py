"""The shape of the network for an image size, as plain arithmetic.

The source (MMV-DEC) draws one network, for 1 x 28 x 28: 32 kernels of 3 x 3, 64 of 3 x 3, 256 of 5 x 5, with average
pooling between; the decoder has 64 of 5 x 5, 32, 16 and 1 of 3 x 3, with bilinear up-sampling after each but the last.
Here every size has its own: images are halved until the deepest map is at most 7 pixels, as it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from coverslip.core import InputError

SMALLEST = 8
"""Smallest height and width, in pixels."""

DEEPEST = 7
"""Largest height and width of the deepest map: 28 pixels, halved twice."""

_MOST = 256


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that decides the layers.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of the input.
    widths : tuple of int
        Channels after each convolution of the encoder. All but the last, of 5 x 5, are followed by average pooling.
    deepest : (int, int)
        Height and width of the map that the last convolution of the encoder makes.
    decoder_widths : tuple of int
        Channels after each convolution of the decoder but the last one, which gives the image. The first is of 5 x 5.
    decoder_sizes : tuple of (int, int)
        Height and width at which each convolution of the decoder works, the last one's included.
    """

    shape: tuple[int, int, int]
    widths: tuple[int, ...]
    deepest: tuple[int, int]
    decoder_widths: tuple[int, ...]
    decoder_sizes: tuple[tuple[int, int], ...]

    @property
    def depth(self) -> int:
        """How often the image is halved."""
        return len(self.widths) - 1

    @property
    def features(self) -> int:
        """Numbers that the last layer of the encoder is given."""
        return self.widths[-1] * self.deepest[0] * self.deepest[1]


def depth_rule(height: int, width: int) -> int:
    """How often an image is halved: until its longer side is at most 7, its shorter side at least 2 pixels."""
    depth = 1
    while max(height, width) // 2**depth > DEEPEST and min(height, width) // 2 ** (depth + 1) >= 2:
        depth += 1
    return depth


def plan(shape: tuple[int, int, int], *, depth: int | str = "auto", width: int = 32) -> Architecture:
    """Work out the layers for an input shape.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width; height and width at least 8.
    depth : int or "auto"
        How often the image is halved; ``"auto"`` follows `depth_rule`.
    width : int
        Channels after the first convolution; 32 is the source's. They double, the last convolution has four times those
        before it, and none more than 8 times `width`.

    Raises
    ------
    InputError
        If the image is too small, or too small for the depth asked for.
    """
    channels, height, across = shape
    if min(height, across) < SMALLEST or channels < 1:
        raise InputError(
            f"Deep clustering needs at least 1 channel and {SMALLEST} x {SMALLEST} pixels, not {channels} x {height} x "
            f"{across}; crop larger."
        )
    halvings = depth_rule(height, across) if depth == "auto" else int(depth)
    deepest = height // 2**halvings, across // 2**halvings
    if min(deepest) < 1:
        raise InputError(
            f"Halved {halvings} times nothing is left of {height} x {across} pixels; use depth 'auto' or at most "
            f"{int(log2(min(height, across)))}."
        )
    most = width * _MOST // 32
    pooled = [min(width * 2**i, most) for i in range(halvings)]
    sizes = [(height // 2**i, across // 2**i) for i in range(halvings, -1, -1)]
    start = ceil(deepest[0] / 2), ceil(deepest[1] / 2)
    decoder = [min(max(width * 2**halvings // 2 ** (i + 1), 1), most) for i in range(halvings + 1)]
    return Architecture(shape, (*pooled, min(4 * pooled[-1], most)), deepest, tuple(decoder), (start, *sizes))
