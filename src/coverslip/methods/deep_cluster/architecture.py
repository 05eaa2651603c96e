"""The shape of the network for an image size, as plain arithmetic.

The source (MMV-DEC) draws one network, for 1 x 28 x 28: 32 kernels of 3 x 3, 64 of 3 x 3, 256 of 5 x 5, with average
pooling between; the decoder has 64 of 5 x 5, 32, 16 and 1 of 3 x 3, with bilinear up-sampling after each but the last.
Here every size has its own: images are halved until the deepest map is at most 7 pixels, as it is there.

The other network costs a third: convolutions of stride 2, undone by transposed ones, until at most 3 pixels are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

from coverslip.core import InputError

SMALLEST = 8
"""Smallest height and width, in pixels."""

Kind = Literal["pooled", "strided"]
Size = tuple[int, int]

_DEEPEST = {"pooled": 7, "strided": 3}
_MOST = 8
"""No convolution has more than so many times the channels of the first."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that decides the layers.

    Parameters
    ----------
    kind : {"pooled", "strided"}
        What halves: average pooling between convolutions, or convolutions of stride 2.
    shape : tuple of int
        Channels, height and width of the input.
    widths : tuple of int
        Channels after each convolution of the encoder. Pooled: the last one, of 5 x 5, does not halve.
    deepest : (int, int)
        Height and width of the map that the last convolution of the encoder makes.
    decoder_widths : tuple of int
        Channels that each convolution of the decoder is given, but the last one, which gives the image.
    decoder_sizes : tuple of (int, int)
        Height and width of the map that the decoder starts from, and after each enlargement.
    """

    kind: Kind
    shape: tuple[int, int, int]
    widths: tuple[int, ...]
    deepest: Size
    decoder_widths: tuple[int, ...]
    decoder_sizes: tuple[Size, ...]

    @property
    def depth(self) -> int:
        """How often the image is halved."""
        return len(self.widths) - (1 if self.kind == "pooled" else 0)

    @property
    def features(self) -> int:
        """Numbers that the last layer of the encoder is given."""
        return self.widths[-1] * self.deepest[0] * self.deepest[1]


def halved(size: Size, kind: Kind) -> Size:
    """Height and width after one halving: pooling drops an odd last row, a strided convolution keeps it."""
    up = 1 if kind == "strided" else 0
    return (size[0] + up) // 2, (size[1] + up) // 2


def depth_rule(height: int, width: int, kind: Kind = "pooled") -> int:
    """How often an image is halved: until its longer side is at most 7 pixels (strided: 3), its shorter at least 2."""
    depth, size = 1, halved((height, width), kind)
    while max(size) > _DEEPEST[kind] and min(halved(size, kind)) >= 2:
        depth, size = depth + 1, halved(size, kind)
    return depth


def plan(
    shape: tuple[int, int, int], *, depth: int | Literal["auto"] = "auto", width: int = 32, kind: Kind = "pooled"
) -> Architecture:
    """Work out the layers for an input shape.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width; height and width at least 8.
    depth : int or "auto"
        How often the image is halved; ``"auto"`` follows `depth_rule`.
    width : int
        Channels after the first convolution; 32 is the source's. They double from one to the next (pooled: the last
        one has four times those before it), to 8 times `width` at most.
    kind : {"pooled", "strided"}
        See `Architecture`.

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
    halvings = depth_rule(height, across, kind) if depth == "auto" else depth
    if halvings > log2(min(height, across)):
        raise InputError(
            f"Halved {halvings} times nothing is left of {height} x {across} pixels; use depth 'auto' or at most "
            f"{int(log2(min(height, across)))}."
        )
    most = _MOST * width
    sizes: list[Size] = [(height, across)]
    for _ in range(halvings):
        sizes.append(halved(sizes[-1], kind))
    widths = [min(width * 2**i, most) for i in range(halvings)]
    back = tuple(reversed(sizes))
    if kind == "strided":
        return Architecture(kind, shape, tuple(widths), sizes[-1], tuple(reversed(widths)), back)
    start = ceil(sizes[-1][0] / 2), ceil(sizes[-1][1] / 2)
    decoder = [min(max(width * 2**halvings // 2 ** (i + 1), 1), most) for i in range(halvings + 1)]
    return Architecture(kind, shape, (*widths, min(4 * widths[-1], most)), sizes[-1], tuple(decoder), (start, *back))
