"""The network that predicts one vector from another, as it is trained and as it is run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn


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
    """The layers of a network with their normalisation folded in, as `run_network` takes them."""
    from torch import nn

    found: dict[str, np.ndarray] = {}
    linear = [part for part in network if isinstance(part, nn.Linear)]
    norms = [part for part in network if isinstance(part, nn.BatchNorm1d)]
    for i, layer in enumerate(linear):
        weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
        if i < len(norms):
            norm = norms[i]
            assert norm.running_mean is not None
            assert norm.running_var is not None
            factor = norm.weight.detach().double().numpy() / np.sqrt(norm.running_var.double().numpy() + norm.eps)
            weight = weight * factor[:, None]
            bias = (bias - norm.running_mean.double().numpy()) * factor + norm.bias.detach().double().numpy()
        found[f"{i}.weight"], found[f"{i}.bias"] = weight, bias
    return found
