"""The network, and its maps of pixels of any size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from coverslip.core import Fitted
from coverslip.methods.he_nuclei.config import Config
from coverslip.nn.device import choose_device
from coverslip.nn.speed import Quick, Speed
from coverslip.nn.unet import UNet
from coverslip.nn.weights import put_weights

OUTPUTS = 2
"""Nucleus, and how central in it."""


def build(config: Config) -> UNet:
    """The network for settings, with start weights."""
    return UNet(3, OUTPUTS, width=config.width, levels=config.levels, stem=config.stem)


def config_of(fitted: Fitted) -> Config:
    """The settings of a fitted model."""
    assert isinstance(fitted.config, Config)
    return fitted.config


def with_weights(config: Config, weights: Mapping[str, np.ndarray]) -> UNet:
    """The network with given weights, in evaluation mode.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    with torch.device("meta"):
        model = build(config)
    put_weights(model, weights)
    return model.eval()


class Network:
    """A network ready to be applied.

    Parameters
    ----------
    model : UNet
        With its weights.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    flips : bool
        Average over the four flips: a little better, four times the work.
    speed : Speed
        How it is run.
    """

    def __init__(self, model: UNet, device: str = "auto", flips: bool = False, speed: Speed = "auto") -> None:
        self.multiple, self.reach = model.multiple, model.reach
        self.flips = flips
        self._quick = Quick(model, choose_device(device), speed)

    def __call__(self, scaled: np.ndarray) -> np.ndarray:
        """The two maps ``(2, H, W)`` in [0, 1], of scaled pixels ``(3, H, W)``."""
        height, width = scaled.shape[1:]
        short = [(0, -length % self.multiple) for length in (height, width)]
        x = torch.from_numpy(np.pad(scaled, [(0, 0), *short], mode="symmetric"))[None]
        ways: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1)) if self.flips else ((),)
        found = [torch.sigmoid(self._quick(x.flip(way) if way else x).flip(way)) for way in ways]
        return np.asarray(torch.stack(found).mean(0)[0, :, :height, :width].cpu().numpy())
