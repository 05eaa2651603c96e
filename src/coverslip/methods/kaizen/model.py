"""The generator: a VQ-VAE that sees a patch and generates the object under its central pixel, pixels and mask."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.nn.blocks import ConvBlock, UpBlock
from coverslip.nn.quantise import Quantised, VectorQuantiser


class Generated(NamedTuple):
    """What the generator says of patches.

    Parameters
    ----------
    mask : Tensor, shape (N, P, P)
        Logits: whether a pixel is of the central object.
    pixels : Tensor, shape (N, P, P)
        Square root of the object's light, at least 0; what it says outside the mask has no meaning.
    quantised : Quantised
        The codes.
    """

    mask: Tensor
    pixels: Tensor
    quantised: Quantised


class Generator(nn.Module):
    """Encoder, codes, decoder.

    The encoder sees squares of 2 x 2 pixels as channels, and a bump that marks the central pixel; it looks at 1/2, 1/4
    and 1/8 of the resolution, and gives a vector for each 4 x 4 pixels. The decoder sees nothing but their codes.

    Parameters
    ----------
    patch : int
        P, side of a patch, a multiple of 8.
    width : int
        Channels at half the resolution; doubled at each of the next.
    codes, code_dim, groups
        As for `VectorQuantiser`.
    learned_by : {"ema", "gradient"}
        How the codes are learned.
    beta : float
        Weight of the commitment.
    """

    def __init__(
        self,
        patch: int,
        *,
        width: int,
        codes: int,
        code_dim: int,
        groups: int,
        learned_by: Literal["ema", "gradient"],
        beta: float,
    ) -> None:
        super().__init__()
        self.enter = ConvBlock(8, width)
        self.middle = ConvBlock(width, 2 * width)
        self.deep = ConvBlock(2 * width, 4 * width)
        self.rise = UpBlock(4 * width, 2 * width)
        self.to_codes = nn.Conv2d(2 * width, groups * code_dim, 1)
        self.quantise = VectorQuantiser(codes, code_dim, groups=groups, learned_by=learned_by, beta=beta)
        self.from_codes = ConvBlock(groups * code_dim, 2 * width)
        self.gather = ConvBlock(2 * width, 4 * width)
        self.spread = UpBlock(4 * width, 2 * width)
        self.refine = ConvBlock(2 * width, width)
        self.leave = nn.Conv2d(width, 8, 1)
        self.register_buffer("marker", _bump(patch), persistent=False)
        self.marker: Tensor

    def forward(self, patches: Tensor) -> Generated:
        """Generate the central object of patches ``(N, 1, P, P)``, square roots of light about in [0, 1.5]."""
        quantised = self.quantise(self.encode(patches))
        return Generated(*self.decode(quantised.map), quantised)

    def encode(self, patches: Tensor) -> Tensor:
        """Vectors ``(N, groups * code_dim, P / 4, P / 4)`` of patches ``(N, 1, P, P)``, before they are quantised."""
        marked = torch.cat([patches, self.marker.expand_as(patches)], 1)
        half = self.enter(F.pixel_unshuffle(marked, 2))
        quarter = self.middle(F.max_pool2d(half, 2))
        return self.to_codes(self.rise(self.deep(F.max_pool2d(quarter, 2)), quarter))

    def decode(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Mask logits and pixels, each ``(N, P, P)``, of codes ``(N, groups * code_dim, P / 4, P / 4)``."""
        quarter = self.from_codes(codes)
        quarter = self.spread(self.gather(F.max_pool2d(quarter, 2)), quarter)
        half = self.refine(F.interpolate(quarter, scale_factor=2.0, mode="nearest"))
        both = F.pixel_shuffle(self.leave(half), 2)
        return both[:, 0], F.softplus(both[:, 1], beta=8)


def _bump(side: int) -> Tensor:
    """A Gaussian of 2 pixels around the central pixel, ``(1, 1, side, side)``: patches are read around it."""
    away = (torch.arange(side) - side // 2).float().square()
    return torch.exp(-(away[:, None] + away) / 8)[None, None]
