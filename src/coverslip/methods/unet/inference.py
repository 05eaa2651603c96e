"""What a fitted U-Net says of fields of any size: maps of its outputs, and objects, tile by tile."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from coverslip.core import Fields, Fitted, InputError, Region
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import PEAK, decode, without_small
from coverslip.methods.unet.model import UNet
from coverslip.methods.unet.targets import CHANNELS
from coverslip.nn.device import choose_device
from coverslip.nn.objects import not_at, without_holes
from coverslip.nn.speed import Quick, Speed
from coverslip.nn.tiles import Tile, own_objects, paste, tiles
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.exposure import Exposure

TILE = 1024
"""Side of the tiles that the network sees, pixels, without their margins."""
BLOCK = 2048
"""Side of the blocks that objects are found in, pixels, without their margins."""


def network(fitted: Fitted) -> UNet:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = _config(fitted)
    with torch.device("meta"):
        model = build(config, int(fitted.facts["inputs"]))
    put_weights(model, fitted.weights)
    return model.eval()


def build(config: Config, inputs: int) -> UNet:
    """The network for settings and a number of input channels, with start weights."""
    return UNet(inputs, CHANNELS[config.separation], width=config.width, levels=config.levels, stem=config.stem)


class Segmenter:
    """A fitted U-Net ready to segment.

    Parameters
    ----------
    fitted : Fitted
        A fitted U-Net.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    flips : bool
        Average over the four flips of each tile: a little better, four times the work.
    threshold : float, optional
        Foreground probability that separates objects from background; default: what was best on the fields held out
        while fitting.
    min_area : int, optional
        Objects of fewer pixels are left out; default likewise.
    drop_border : bool
        Leave out objects that touch the border of the image, or an area that holds no image.
    fill_holes : bool
        Background that an object encloses becomes part of it.
    speed : Speed
        How the network is run.
    tile : int
        Side of the tiles that the network sees, pixels; the result does not depend on it.
    """

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        flips: bool = False,
        threshold: float | None = None,
        min_area: int | None = None,
        drop_border: bool = False,
        fill_holes: bool = False,
        speed: Speed = "auto",
        tile: int = TILE,
    ) -> None:
        self.config = _config(fitted)
        self.inputs = int(fitted.facts["inputs"])
        decoding = fitted.facts["decoding"]
        self.threshold = float(decoding["threshold"]) if threshold is None else threshold
        self.peak = float(decoding.get("peak", PEAK))
        self.min_area = int(decoding["min_area"]) if min_area is None else min_area
        self.drop_border, self.fill_holes = drop_border, fill_holes
        if not 0 < self.threshold < 1:
            raise InputError(f"A threshold for a probability lies between 0 and 1, not at {self.threshold}.")
        model = network(fitted)
        self.reach, self.multiple = model.reach, model.multiple
        self.margin = int(fitted.facts["margin"])
        self.flips = flips
        self.tile = -(-tile // self.multiple) * self.multiple
        self._quick = Quick(model, choose_device(device), speed)
        seen = (self.tile + 2 * self.reach) ** 2
        # About nine arrays of the widest level are held at once, beside the pixels and their copies.
        widest = 9 * self.config.width // self.config.stem**2 if self._quick.device == "cpu" else 0
        self.tile_bytes = 4 * seen * (widest + 3 * self.inputs)

    def maps(
        self, fields: Fields, index: int, region: Region | None = None, exposure: Exposure | None = None
    ) -> np.ndarray:
        """The network's outputs for a field, or a region of it, the same for every size of tile.

        Parameters
        ----------
        fields : Fields
            With the channels the model was fitted to.
        index : int
            Which field.
        region : Region, optional
            Default: all of it.
        exposure : Exposure, optional
            Of the whole field; default: found now.

        Returns
        -------
        ndarray, shape (K, H, W), float32
            Foreground probability, then what `separation` names (a boundary as probability); 0 where there is no image.
        """
        return self._maps(fields, index, region or Region(0, 0, *fields.size(index)), exposure)[0]

    def _maps(
        self, fields: Fields, index: int, region: Region, exposure: Exposure | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, and where there is no image, ``(H, W)``."""
        bounds = fields.size(index)
        exposure = exposure or self.exposure(fields, index)
        nowhere = np.zeros((region.height, region.width), bool)
        out = np.empty((CHANNELS[self.config.separation], region.height, region.width), np.float32)
        for tile in tiles(region, bounds, side=self.tile, margin=self.reach, multiple=self.multiple):
            scaled, empty = exposure.read(fields, index, tile.window)
            found = self._outputs(scaled)
            y, x = tile.core.y - region.y, tile.core.x - region.x
            place = Region(y, x, tile.core.height, tile.core.width).slices
            out[:, *place] = found[:, *tile.inside()]
            if empty is not None:
                nowhere[place] = empty[tile.inside()]
        out[:, nowhere] = 0
        return out, nowhere

    def exposure(self, fields: Fields, index: int) -> Exposure:
        """The grey values that a field is scaled by.

        Raises
        ------
        InputError
            If the field has other channels than those the model was fitted to.
        """
        if fields.count != self.inputs:
            raise InputError(
                f"{fields.name(index)} has {fields.count} channel(s), but the model was fitted to {self.inputs}: "
                "choose them with --channels (or --planes, for focal planes)."
            )
        return Exposure.of(fields, index, self.config.percentiles)

    def blocks(self, size: tuple[int, int], side: int = BLOCK) -> list[Tile]:
        """Blocks that cover an image of this height and width, with margins wider than objects."""
        return tiles(Region(0, 0, *size), size, side=side, margin=self.margin, multiple=self.multiple)

    def objects(self, fields: Fields, index: int, block: Tile, exposure: Exposure) -> tuple[np.ndarray, np.ndarray]:
        """The objects of one block: each object of a field is of one block.

        Returns
        -------
        labels : ndarray of int32, shape of ``block.window``
            Numbered from 1 without gaps.
        probability : ndarray of float32, shape of ``block.window``
            Of foreground.
        """
        maps, nowhere = self._maps(fields, index, block.window, exposure)
        labels = decode(maps, self.config.separation, threshold=self.threshold, peak=self.peak, min_area=self.min_area)
        if self.fill_holes:
            labels = np.where(nowhere, 0, without_holes(labels))
        if self.drop_border:
            labels = without_small(not_at(labels, _border(block.window, fields.size(index), nowhere)), 0)
        return (labels if block.core == block.window else own_objects(labels, block)), maps[0]

    def _outputs(self, pixels: np.ndarray) -> np.ndarray:
        """Activated outputs ``(K, H, W)`` of scaled pixels ``(C, H, W)``."""
        height, width = pixels.shape[1:]
        short = [(0, -length % self.multiple) for length in (height, width)]
        x = torch.from_numpy(np.pad(pixels, [(0, 0), *short], mode="symmetric"))[None]
        ways: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1)) if self.flips else ((),)
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


def segment(
    segmenter: Segmenter, fields: Fields, index: int, exposure: Exposure | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Segment a whole field in memory.

    Parameters
    ----------
    segmenter : Segmenter
        Ready to segment.
    fields : Fields
        With the channels the model was fitted to.
    index : int
        Which field.
    exposure : Exposure, optional
        Of the field; default: found now.

    Returns
    -------
    labels : ndarray of int32, shape (H, W)
        Objects numbered from 1, 0 background.
    probability : ndarray of float32, shape (H, W)
        Of foreground.
    """
    exposure = exposure or segmenter.exposure(fields, index)
    size = fields.size(index)
    labels, probability = np.zeros(size, np.int32), np.empty(size, np.float32)
    count = 0
    for block in segmenter.blocks(size):
        own, chance = segmenter.objects(fields, index, block, exposure)
        count += paste(labels[block.window.slices], own, count + 1)
        probability[block.core.slices] = chance[block.inside()]
    return labels, probability


def _border(window: Region, size: tuple[int, int], nowhere: np.ndarray) -> np.ndarray:
    """Pixels of a window beside which the image ends, ``(h, w)``."""
    height, width = size
    whole = np.pad(nowhere, 1, constant_values=False)
    whole[0], whole[-1] = window.y == 0, window.stop_y == height
    whole[:, 0] |= window.x == 0
    whole[:, -1] |= window.stop_x == width
    return np.asarray(ndimage.binary_dilation(whole, np.ones((3, 3)))[1:-1, 1:-1])


def _config(fitted: Fitted) -> Config:
    assert isinstance(fitted.config, Config)
    return fitted.config
