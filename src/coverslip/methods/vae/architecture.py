"""The shape of the network: the depth rule, the ten presets of the source, and the sizes between layers.

Plain arithmetic, so that a table of sizes costs no network. The source is Kovács' thesis: the rule is its
section 4.3.1, the presets are Tables 3-12 of its Appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log2
from typing import Literal

from coverslip.core import InputError

SMALLEST = 8
"""Smallest height and width, in pixels."""

Downsample = Literal["maxpool", "strided", "residual"]

RESIDUAL_BLOCKS = 2
"""Blocks of each of the four stages of ResNet-18."""


@dataclass(frozen=True, slots=True)
class Up:
    """One transposed convolution of the decoder; stride 2, padding 1.

    Parameters
    ----------
    kernel : int
        3 or 4.
    output_padding : tuple of int
        Rows and columns added at one side, 0 or 1 each.
    """

    kernel: int
    output_padding: tuple[int, int]

    def size(self, n: int, axis: int) -> int:
        """Output length for an input of `n`: ``2 (n - 1) - 2 + kernel + output_padding``."""
        return 2 * (n - 1) - 2 + self.kernel + self.output_padding[axis]


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that decides the layers.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of the input.
    widths : tuple of int
        Channels after each block of the encoder.
    downsample : {"maxpool", "strided", "residual"}
        Convolution of stride 1 and 2 x 2 max-pooling; or convolution of stride 2 and batch normalisation; or the stages
        of ResNet-18.
    ceil : tuple of bool
        For each block, whether pooling keeps an odd last row and column.
    ups : tuple of Up
        The decoder's transposed convolutions, deepest first.
    sizes : tuple of (int, int)
        Height and width after each block of the encoder.
    decoded : (int, int)
        Height and width after the last transposed convolution; where it is not the input's, the
        output is resized bilinearly.
    """

    shape: tuple[int, int, int]
    widths: tuple[int, ...]
    downsample: Downsample
    ceil: tuple[bool, ...]
    ups: tuple[Up, ...]
    sizes: tuple[tuple[int, int], ...]
    decoded: tuple[int, int]

    @property
    def depth(self) -> int:
        """Number of blocks, L."""
        return len(self.widths)

    @property
    def bottleneck(self) -> tuple[int, int, int]:
        """Channels, height and width of the deepest map."""
        return (self.widths[-1], *self.sizes[-1])


@dataclass(frozen=True, slots=True)
class Preset:
    """One of the source's fixed networks (Appendix A): widths, down-sampling, decoder kernels and paddings."""

    widths: tuple[int, ...]
    downsample: Downsample
    kernels: tuple[int, ...]
    output_padding: tuple[int, ...]
    ceil_last: bool = False


PRESETS: dict[str, Preset] = {
    # 2 x 140 x 140, Tables 3-8
    "mp2": Preset((32, 64), "maxpool", (3, 3), (1, 1)),
    "mp3": Preset((32, 64, 128), "maxpool", (4, 4, 4), (1, 0, 0)),
    "mp4": Preset((32, 64, 128, 256), "maxpool", (4, 4, 4, 4), (1, 1, 1, 1)),
    "bn2": Preset((32, 64), "strided", (4, 4), (0, 0)),
    "bn3": Preset((32, 64, 128), "strided", (3, 3, 3), (1, 1, 1)),
    "bn4": Preset((32, 64, 128, 256), "strided", (4, 4, 4, 4), (0, 0, 0, 0)),
    # 1 x 20 x 20, Tables 9-12; their last pooling takes 5 x 5 to 3 x 3
    "mp3_128": Preset((32, 64, 128), "maxpool", (3, 4, 4), (0, 0, 0), ceil_last=True),
    "mp3_256": Preset((64, 128, 256), "maxpool", (3, 4, 4), (0, 0, 0), ceil_last=True),
    "mp2_128": Preset((64, 128), "maxpool", (4, 4), (0, 0)),
    "mp2_64": Preset((32, 64), "maxpool", (4, 4), (0, 0)),
}

PRESET_LATENT = 2
"""Length of the latent vector in all of these tables."""


def depth_rule(height: int, width: int) -> int:
    """Depth for an image size: ``L = round(2 + 0.356 (log2(H W) - 8.64))`` (section 4.3.1).

    The straight line through 2 blocks at 20 x 20 and 4 at 140 x 140 on the logarithm of the pixel count.
    It is held to at least 1 block, and to a deepest map of at least 2 pixels on the short side.
    """
    blocks = floor(2 + 0.356 * (log2(height * width) - 8.64) + 0.5)
    deepest = floor(log2(min(height, width))) - 1
    return max(1, min(blocks, deepest))


def deepest(height: int, width: int) -> int:
    """The greatest depth that an image size allows: its deepest map has a pixel along the short side."""
    return floor(log2(min(height, width)))


def plan(
    shape: tuple[int, int, int],
    *,
    depth: int | Literal["auto"] = "auto",
    downsample: Downsample = "maxpool",
    width: int = 32,
    preset: str | None = None,
) -> Architecture:
    """Work out the layers for an input shape.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width; height and width at least 8.
    depth : int or "auto"
        Number of blocks; ``"auto"`` follows `depth_rule`.
    downsample : {"maxpool", "strided"}
        See `Architecture`.
    width : int
        Channels of the first block; they double from block to block.
    preset : str, optional
        One of `PRESETS`; it decides everything but the input shape.

    Raises
    ------
    InputError
        If the image is too small, or too small for the depth asked for.
    """
    channels, height, width_px = shape
    if height < SMALLEST or width_px < SMALLEST or channels < 1:
        raise InputError(
            f"The VAE needs at least 1 channel and {SMALLEST} x {SMALLEST} pixels, not {channels} x {height} x "
            f"{width_px}; crop larger."
        )
    if downsample == "residual" and preset is None:
        return _residual(shape, width)
    if preset is not None:
        fixed = PRESETS[preset]
        ceil = (*(False,) * (len(fixed.widths) - 1), fixed.ceil_last)
        widths, downsample = fixed.widths, fixed.downsample
        ups = tuple(Up(k, (p, p)) for k, p in zip(fixed.kernels, fixed.output_padding, strict=True))
        sizes = _encoded_sizes((height, width_px), downsample, ceil)
    else:
        blocks = depth_rule(height, width_px) if depth == "auto" else depth
        widths = tuple(width * 2**i for i in range(blocks))
        ceil = (False,) * blocks
        sizes = _encoded_sizes((height, width_px), downsample, ceil)
        # Mirror the encoder exactly: pooling halves n to floor(n / 2), which kernel 4 undoes; a strided
        # convolution gives ceil(n / 2), which kernel 3 undoes; the output padding keeps odd sizes odd.
        kernel = 4 if downsample == "maxpool" else 3
        targets = [*reversed(sizes[:-1]), (height, width_px)]
        ups = tuple(
            Up(kernel, (to[0] - Up(kernel, (0, 0)).size(at[0], 0), to[1] - Up(kernel, (0, 0)).size(at[1], 1)))
            for at, to in zip(reversed(sizes), targets, strict=True)
        )
    if min(sizes[-1]) < 1:
        raise InputError(
            f"{len(widths)} blocks halve {height} x {width_px} pixels away entirely; use depth 'auto' or at most "
            f"{deepest(height, width_px)}."
        )
    decoded = sizes[-1]
    for up in ups:
        decoded = (up.size(decoded[0], 0), up.size(decoded[1], 1))
    return Architecture(shape, widths, downsample, ceil, ups, sizes, decoded)


def stem_factor(height: int, width: int) -> int:
    """By how much the first layer of ResNet-18 shrinks an image: 4, the usual one; smaller images are not shrunk."""
    return 4 if min(height, width) >= 64 else 1


def _residual(shape: tuple[int, int, int], width: int) -> Architecture:
    """Four stages, each but the first half as large as the one before; the mirror is resized where it ends larger."""
    factor = stem_factor(*shape[1:])
    sizes = [(-(-shape[1] // factor), -(-shape[2] // factor))]
    for _ in range(3):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    widths = tuple(width * 2**i for i in range(4))
    decoded = (sizes[-1][0] * 8 * factor, sizes[-1][1] * 8 * factor)
    return Architecture(shape, widths, "residual", (), (), tuple(sizes), decoded)


def _encoded_sizes(size: tuple[int, int], downsample: str, ceil: tuple[bool, ...]) -> tuple[tuple[int, int], ...]:
    sizes = []
    for keep_odd in ceil:
        up = 1 if downsample == "strided" or keep_odd else 0
        size = ((size[0] + up) // 2, (size[1] + up) // 2)
        sizes.append(size)
    return tuple(sizes)
