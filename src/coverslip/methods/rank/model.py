"""The networks that predict one vector or image from another, as they are trained and as they are run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

_STEPS = 3
"""How often images are halved on the way to the narrowest layer."""


def widths(size: int, layers: int, bottleneck: int) -> list[int]:
    """Units from the input to the output: half of the layers narrow to the bottleneck by equal ratios, half widen.

    512 dimensions in 12 layers: 512, 256, 128, 64, 32, 16, 8, 16, … 512.
    """
    narrow = min(bottleneck, size)
    half = np.round(np.geomspace(size, narrow, layers // 2 + 1)).astype(int).tolist()
    return [*half, *half[-2::-1]]


def build(size: int, layers: int, bottleneck: int, dropout: float) -> nn.Sequential:
    """Linear layers, each but the last with batch normalisation, ReLU and dropout; vectors ``(N, D)`` in and out."""
    from torch import nn

    parts: list[nn.Module] = []
    units = widths(size, layers, bottleneck)
    for i, (a, b) in enumerate(pairwise(units)):
        parts.append(nn.Linear(a, b))
        if i < layers - 1:
            parts += [nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)


def build_images(channels: int, dropout: float) -> nn.Sequential:
    """The convolutional autoencoder of the thesis: images ``(N, C, H, W)`` in [0, 1] in and out.

    Convolutions of 3 x 3 to 16, 32 and 64 channels, each followed by batch normalisation, ReLU, dropout and halving;
    the way back by doubling. Sides are multiples of 8, see `padded`. The last convolution ends in a sigmoid.
    """
    from torch import nn

    units = [channels, 16, 32, 64, 64, 32, 16]
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(units)):
        scaled = nn.MaxPool2d(2) if i < _STEPS else nn.Upsample(scale_factor=2)
        parts += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.Dropout(dropout), scaled]
    return nn.Sequential(*parts, nn.Conv2d(units[-1], channels, 3, padding=1), nn.Sigmoid())


def shaped(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Rows ``(N, C · H · W)`` as images ``(N, C, H, W)``."""
    return pixels.reshape(len(pixels), *shape)


def padded(images: Tensor) -> Tensor:
    """Images continued by their edge, down and to the right, to sides that can be halved three times."""
    from torch.nn.functional import pad

    down, right = (-n % 2**_STEPS for n in images.shape[-2:])
    return pad(images, (0, right, 0, down), mode="replicate") if down or right else images


def run_images(kept: Mapping[str, np.ndarray], given: np.ndarray) -> np.ndarray:
    """Run the network from image to image: its layers as ``0.weight``, … with the normalisation folded into them."""
    import torch
    import torch.nn.functional as F

    channels, height, width = (int(n) for n in kept["shape"])
    low, span = float(kept["low"][0]), float(kept["span"][0])
    known = np.isfinite(given).all(1)
    scaled = shaped((given[known] - low) / span, (channels, height, width)).clip(0, 1)
    x = padded(torch.from_numpy(scaled.astype(np.float32)))
    layers = sum(name.endswith("weight") for name in kept)
    for i in range(layers):
        weight, bias = (torch.from_numpy(np.asarray(kept[f"{i}.{name}"], np.float32)) for name in ("weight", "bias"))
        x = F.conv2d(x, weight, bias, padding=1)
        if i < layers - 1:
            x = F.relu(x)
            x = F.max_pool2d(x, 2) if i < _STEPS else F.interpolate(x, scale_factor=2.0)
    found = np.full(given.shape, np.nan)
    found[known] = x.sigmoid()[..., :height, :width].reshape(len(x), -1).double().numpy() * span + low
    return found


def run_network(kept: Mapping[str, np.ndarray], given: np.ndarray) -> np.ndarray:
    """Run it without torch: its layers as ``0.weight``, ``0.bias``, … with the normalisation folded into them."""
    low, span = kept["low"], kept["span"]
    x = (given - low[0]) / span[0]
    last = sum(name.endswith("weight") for name in kept) - 1
    for i in range(last + 1):
        x = x @ kept[f"{i}.weight"].T + kept[f"{i}.bias"]
        x = np.maximum(x, 0) if i < last else x
    return np.asarray(x * span[1] + low[1])


def folded(network: nn.Sequential) -> dict[str, np.ndarray]:
    """The layers of a network with their normalisation folded in, as `run_network` and `run_images` take them."""
    from torch import nn

    found: dict[str, np.ndarray] = {}
    linear = [part for part in network if isinstance(part, nn.Linear | nn.Conv2d)]
    norms = [part for part in network if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    for i, layer in enumerate(linear):
        assert layer.bias is not None
        weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
        if i < len(norms):
            norm = norms[i]
            assert norm.running_mean is not None
            assert norm.running_var is not None
            factor = norm.weight.detach().double().numpy() / np.sqrt(norm.running_var.double().numpy() + norm.eps)
            weight = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
            bias = (bias - norm.running_mean.double().numpy()) * factor + norm.bias.detach().double().numpy()
        found[f"{i}.weight"], found[f"{i}.bias"] = weight, bias
    return found
