"""ResNet-18 as encoder, and its mirror as decoder (Nasr et al., Clinically relevant latent space embedding …, 2023)."""

from __future__ import annotations

from torch import nn
from torchvision.models.resnet import BasicBlock, conv1x1

from coverslip.methods.vae.architecture import RESIDUAL_BLOCKS, Architecture, stem_factor
from coverslip.nn.trunk import Trunk


def encoder(architecture: Architecture) -> nn.Sequential:
    """From images to maps ``(N, 8 width, h, w)``: the trunk of ResNet-18."""
    channels, height, width = architecture.shape
    stem = "large" if stem_factor(height, width) == 4 else "small"
    return nn.Sequential(*Trunk("resnet18", channels, architecture.widths[0], stem=stem).children())


def decoder(architecture: Architecture) -> nn.Sequential:
    """From maps to images: the same blocks in reverse, each stage after the first twice as large as the one before."""
    channels, height, width = architecture.shape
    factor = stem_factor(height, width)
    at = architecture.widths[-1]
    layers: list[nn.Module] = []
    for number, planes in enumerate(reversed(architecture.widths)):
        if number:
            layers.append(nn.Upsample(scale_factor=2))
        for _ in range(RESIDUAL_BLOCKS):
            shortcut = None if at == planes else nn.Sequential(conv1x1(at, planes), nn.BatchNorm2d(planes))
            layers.append(BasicBlock(at, planes, 1, shortcut))
            at = planes
    return nn.Sequential(*layers, nn.Conv2d(at, channels * factor**2, 3, padding=1), nn.PixelShuffle(factor))
