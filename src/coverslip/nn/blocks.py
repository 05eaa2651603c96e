"""Blocks that several networks are made of."""

from __future__ import annotations

import torch
from torch import nn


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU; keeps height and width.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_convolution(inputs, outputs), *_convolution(outputs, outputs))


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


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
