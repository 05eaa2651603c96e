"""The outputs of a fitted U-Net for fields of any size, tile by tile."""

from __future__ import annotations

import numpy as np
import torch

from coverslip.core import Fitted, Region
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.targets import CHANNELS
from coverslip.nn.device import choose_device
from coverslip.nn.speed import Quick, Speed
from coverslip.nn.tiles import tiles
from coverslip.nn.unet import UNet
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.view import Shown

TILE = 1024
"""Side of the tiles that the network sees, pixels, without their margins."""


def network(fitted: Fitted) -> UNet:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = settings(fitted)
    with torch.device("meta"):
        model = build(config, int(fitted.facts["inputs"]))
    put_weights(model, fitted.weights)
    return model.eval()


def build(config: Config, inputs: int) -> UNet:
    """The network for settings and a number of input channels, with start weights."""
    return UNet(inputs, CHANNELS[config.separation], width=config.width, levels=config.levels, stem=config.stem)


def settings(fitted: Fitted) -> Config:
    """The settings of a fitted U-Net."""
    assert isinstance(fitted.config, Config)
    return fitted.config


class Outputs:
    """A network ready to be shown fields.

    Parameters
    ----------
    fitted : Fitted
        A fitted U-Net.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    flips : bool
        Average over the four flips of each tile.
    speed : Speed
        How the network is run.
    tile : int
        Side of the tiles that it sees, pixels; the result does not depend on it.
    """

    def __init__(self, fitted: Fitted, device: str, *, flips: bool, speed: Speed, tile: int) -> None:
        self.config = settings(fitted)
        inputs = int(fitted.facts["inputs"])
        model = network(fitted)
        self.multiple, self._reach, self._flips = model.multiple, model.reach, flips
        self._tile = -(-tile // self.multiple) * self.multiple
        self._quick = Quick(model, choose_device(device), speed)
        seen = (self._tile + 2 * self._reach) ** 2
        # About nine arrays of the widest level are held at once, beside the pixels and their copies.
        widest = 9 * self.config.width // self.config.stem**2 if self._quick.device == "cpu" else 0
        self.bytes = 4 * seen * (widest + 3 * inputs)
        """Of this machine's memory, that the network takes at work."""

    def maps(self, shown: Shown, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Outputs ``(K, H, W)`` for a region of a field as it is shown, and where there is no image, ``(H, W)``.

        There they are 0; else probability of foreground, then what `separation` names (a boundary as probability).
        """
        nowhere = np.zeros((region.height, region.width), bool)
        out = np.empty((CHANNELS[self.config.separation], region.height, region.width), np.float32)
        for tile in tiles(region, shown.size, side=self._tile, margin=self._reach, multiple=self.multiple):
            scaled, empty = shown.read(tile.window)
            found = self._of(scaled)
            y, x = tile.core.y - region.y, tile.core.x - region.x
            place = Region(y, x, tile.core.height, tile.core.width).slices
            out[:, *place] = found[:, *tile.inside()]
            if empty is not None:
                nowhere[place] = empty[tile.inside()]
        out[:, nowhere] = 0
        return out, nowhere

    def _of(self, pixels: np.ndarray) -> np.ndarray:
        """Activated outputs ``(K, H, W)`` of scaled pixels ``(C, H, W)``."""
        height, width = pixels.shape[1:]
        short = [(0, -length % self.multiple) for length in (height, width)]
        x = torch.from_numpy(np.pad(pixels, [(0, 0), *short], mode="symmetric"))[None]
        ways: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1)) if self._flips else ((),)
        mean = torch.stack([self._activated(x, way) for way in ways]).mean(0)
        return np.asarray(mean[0, :, :height, :width].cpu().numpy())

    def _activated(self, x: torch.Tensor, flipped: tuple[int, ...]) -> torch.Tensor:
        found = self._quick(x.flip(flipped) if flipped else x).flip(flipped)
        probabilities = 2 if self.config.separation == "boundary" else 1
        found[:, :probabilities] = torch.sigmoid(found[:, :probabilities])
        if self.config.separation == "offset":  # directions turn with the image
            for axis, channel in ((-2, 1), (-1, 2)):
                if axis in flipped:
                    found[:, channel] = -found[:, channel]
        return found
