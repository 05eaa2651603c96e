"""Blocks that several networks are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU; keeps height and width.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_convolution(inputs, outputs), *_convolution(outputs, outputs))


class UpBlock(ConvBlock):
    """A `ConvBlock` that joins a deeper map, enlarged to twice its size (nearest neighbour), and a skip connection.

    Parameters
    ----------
    below, here : int
        Channels of the deeper map, and of the skip connection and the output.
    """

    def __init__(self, below: int, here: int) -> None:
        super().__init__(below + here, here)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        """From ``(N, below, H, W)`` and ``(N, here, 2 H, 2 W)`` to ``(N, here, 2 H, 2 W)``."""
        x = torch.cat([F.interpolate(below, scale_factor=2.0, mode="nearest"), skip], dim=1)
        for layer in self:
            x = layer(x)
        return x


class SplitUpBlock(nn.Module):
    """An `UpBlock` for inference, that never makes the enlarged map: the same outputs but for rounding.

    In a map enlarged by repeating pixels, the three columns (and rows) that a kernel sees are only two different ones,
    so that each of the four pixels of a square is a 2 x 2 convolution of the small map: 4 products per weight instead
    of 9, and no joined map in memory.

    Parameters
    ----------
    block : UpBlock
        Trained, its normalisation folded (`fold_batch_norm`); its later layers are taken over.
    """

    def __init__(self, block: UpBlock) -> None:
        super().__init__()
        first = block[0]
        assert isinstance(first, nn.Conv2d)
        assert first.bias is not None
        below = first.in_channels - first.out_channels
        self.outputs = first.out_channels
        with torch.no_grad():
            self.below = nn.Parameter(_squares(first.weight[:, :below]))
            self.skip = nn.Parameter(first.weight[:, below:].clone())
            self.bias = nn.Parameter(first.bias.clone())
        self.rest = nn.Sequential(*list(block)[1:])

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """As `UpBlock`."""
        height, width = below.shape[-2:]
        small = F.conv2d(below, self.below, padding=1)
        x = F.conv2d(skip, self.skip, self.bias, padding=1)
        for row in (0, 1):
            for column in (0, 1):
                first = (2 * row + column) * self.outputs
                part = small[:, first : first + self.outputs, row : row + height, column : column + width]
                x[:, :, row::2, column::2] += part
        return self.rest(x)


def _squares(kernel: Tensor) -> Tensor:
    """Kernels ``(O, I, 3, 3)`` on the enlarged map as ``(4 O, I, 2, 2)`` on the small one, one set per place."""

    def halves(k: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        a, b, c = k.unbind(axis)
        return torch.stack([a, b + c], axis), torch.stack([a + b, c], axis)

    return torch.cat([square for rows in halves(kernel, 2) for square in halves(rows, 3)])


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def split_up_blocks(module: nn.Module) -> nn.Module:
    """Replace every `UpBlock` whose normalisation is folded by a `SplitUpBlock`, in place."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, UpBlock):
                setattr(parent, name, SplitUpBlock(child))
    return module


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Fold every batch normalisation that follows a convolution in a `Sequential` into that convolution, in place.

    The outputs stay the same but for rounding; inference saves a pass over memory for each.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    """
    for child in module.modules():
        if not isinstance(child, nn.Sequential):
            continue
        for i in range(len(child) - 1):
            convolution, norm = child[i], child[i + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                child[i] = torch.nn.utils.fuse_conv_bn_eval(convolution, norm)
                child[i + 1] = nn.Identity()
    return module
