"""The blocks of the source (Kovács, Appendix A): convolutions that pool or stride, and their mirror."""

from __future__ import annotations

from torch import nn

from coverslip.methods.vae.architecture import Architecture


def encoder(architecture: Architecture) -> nn.Sequential:
    """From images to the deepest map."""
    strided = architecture.downsample == "strided"
    channels = (architecture.shape[0], *architecture.widths)
    blocks: list[nn.Module] = []
    for i in range(architecture.depth):
        blocks.append(nn.Conv2d(channels[i], channels[i + 1], 3, stride=2 if strided else 1, padding=1))
        if strided:
            blocks += [nn.BatchNorm2d(channels[i + 1]), nn.ReLU()]
        else:
            blocks += [nn.ReLU(), nn.MaxPool2d(2, ceil_mode=architecture.ceil[i])]
    return nn.Sequential(*blocks)


def decoder(architecture: Architecture) -> nn.Sequential:
    """From the deepest map to images, without what bounds them."""
    strided = architecture.downsample == "strided"
    channels = (architecture.shape[0], *architecture.widths)
    blocks: list[nn.Module] = []
    for i, up in enumerate(architecture.ups):
        fan_in, fan_out = channels[-1 - i], channels[-2 - i]
        blocks.append(
            nn.ConvTranspose2d(fan_in, fan_out, up.kernel, stride=2, padding=1, output_padding=up.output_padding)
        )
        if i < architecture.depth - 1:
            blocks += [nn.BatchNorm2d(fan_out), nn.ReLU()] if strided else [nn.ReLU()]
    return nn.Sequential(*blocks)
