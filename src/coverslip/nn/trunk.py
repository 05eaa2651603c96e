"""Residual trunks over any channels and widths, with torchvision's blocks and names."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

TRUNKS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnext101_32x8d": (Bottleneck, (3, 4, 23, 3)),
}

GROUPS = {"resnext101_32x8d": {"groups": 32, "base_width": 8}}
"""Where the middle convolution of a block is of several groups: how many, and their width (Xie et al. 2017)."""

SMALL = 64
"""Images with a side below this keep their size in the first layer."""


def stem_for(stem: str, height: int, width: int) -> str:
    """The first layer of a `Trunk` for images of a size; ``auto`` is small below `SMALL` pixels, else large."""
    by_rule = "small" if min(height, width) < SMALL else "large"
    return by_rule if stem == "auto" else stem


class Trunk(nn.Module):
    """A residual network (He et al. 2016) with torchvision's blocks and names, for any channels and widths.

    Parameters
    ----------
    kind : str
        One of `TRUNKS`.
    channels : int
        Of the images.
    width : int
        Channels of the first stage; 64 is the usual network.
    stem : {"small", "medium", "large"}
        First layer: 3 x 3; 3 x 3 that halves the size; 7 x 7 and pooling, which quarter it, the usual network's.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, kind: str, channels: int, width: int = 64, *, stem: str = "large") -> None:
        super().__init__()
        block, depths = TRUNKS[kind]
        side, stride = (7, 2) if stem == "large" else (3, 1 + (stem == "medium"))
        self.conv1 = nn.Conv2d(channels, width, side, stride=stride, padding=side // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1) if stem == "large" else nn.Identity()
        at = width
        for stage, depth in enumerate(depths):
            planes, blocks = width * 2**stage, []
            for i in range(depth):
                stride = 2 if stage and not i else 1
                fits = stride == 1 and at == planes * block.expansion
                shortcut = None if fits else _shortcut(at, planes * block.expansion, stride)
                blocks.append(block(at, planes, stride, shortcut, **GROUPS.get(kind, {})))
                at = planes * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.features = at
        """Length of the vector of an image."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``(N, features)`` of images ``(N, C, H, W)``: the mean of the last maps."""
        return self.maps(x).mean((2, 3))

    def maps(self, x: Tensor) -> Tensor:
        """The last maps ``(N, features, h, w)``."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = cast("nn.Module", stage)(x)
        return x


NARROW = 16
"""Channels below which a `Pointwise` takes the place of a strided 1 x 1 convolution."""


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution with a stride, of few channels, that takes every ``stride``-th pixel itself.

    The same numbers, made safely: where channels are last, oneDNN (3.13, of torch 2.15) finds the gradient of a strided
    one's weights with kernels that write beyond their working memory if there are fewer channels than a register holds
    numbers (8 with AVX2, 16 with AVX-512; also in bfloat16). What lies there is lost, or the process ends
    (github.com/uxlfoundation/oneDNN/issues/6035).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """From ``(N, inputs, H, W)`` to ``(N, outputs, H / stride, W / stride)``, rounded up."""
        down, right = self.stride
        return F.conv2d(x[:, :, ::down, ::right], self.weight, self.bias)


def _shortcut(channels: int, out: int, stride: int) -> nn.Sequential:
    convolution = Pointwise(channels, out, stride) if channels < NARROW else conv1x1(channels, out, stride)
    return nn.Sequential(convolution, nn.BatchNorm2d(out))
