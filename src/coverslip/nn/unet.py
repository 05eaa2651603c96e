"""The U-Net."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.nn.blocks import ConvBlock, UpBlock

WIDEST = 256
"""Channels do not double beyond this."""


class UNet(nn.Module):
    """Encoder and decoder with skip connections; every output pixel sees a neighbourhood, none the whole image.

    With ``stem=2`` the pixels of each 2 x 2 square become channels on entry and are put apart again at the exit, so
    that all convolutions run at half the resolution and no pixel is lost.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    width : int
        Channels of the first level; they double from level to level, up to 256.
    levels : int
        Resolutions, each half the one before.
    stem : int
        Side of the squares of pixels that become channels.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 32, levels: int = 4, stem: int = 2) -> None:
        super().__init__()
        widths = [min(width * 2**level, WIDEST) for level in range(levels)]
        self.stem = stem
        self.inputs = inputs
        self.outputs = outputs
        self.multiple = stem * 2 ** (levels - 1)
        self.down = nn.ModuleList(
            ConvBlock(before, after) for before, after in zip([inputs * stem**2, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(UpBlock(below, here) for here, below in pairwise(widths))
        self.exit = nn.Conv2d(widths[0], outputs * stem**2, 1)

    @property
    def reach(self) -> int:
        """How far an output pixel sees, in pixels: windows with such a margin give what the whole image gives."""
        # Each block of two 3 x 3 convolutions sees 2 pixels of its level further; below each level, pooling adds one.
        blocks = [2 * self.stem * 2**level for level in range(len(self.down))]
        pooling = sum(self.stem * 2**level for level in range(len(self.down)))
        return 2 * sum(blocks) - blocks[-1] + pooling

    def forward(self, x: Tensor) -> Tensor:
        """From ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``; H and W are multiples of `multiple`."""
        x = F.pixel_unshuffle(x, self.stem) if self.stem > 1 else x
        skips = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            x = block(x, skip)
        x = self.exit(x)
        return F.pixel_shuffle(x, self.stem) if self.stem > 1 else x
