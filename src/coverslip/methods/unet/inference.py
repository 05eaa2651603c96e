"""What a fitted U-Net says of fields of any size: maps of its outputs, and objects, tile by tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from coverslip.core import Fields, Fitted, InputError, Length, Region
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import PEAK, decode, without_small
from coverslip.methods.unet.targets import CHANNELS
from coverslip.nn.device import choose_device
from coverslip.nn.objects import border, in_one_piece, not_at, without_holes
from coverslip.nn.scale import Known
from coverslip.nn.speed import Quick, Speed
from coverslip.nn.tiles import Tile, own_objects, paste, tiles
from coverslip.nn.unet import UNet
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.looks import PART, sample
from coverslip.samples.opening.view import Shown, View
from coverslip.samples.opening.zoomed import covering, nearest, regrown, spread

TILE = 1024
"""Side of the tiles that the network sees, pixels, without their margins."""
BLOCK = 2048
"""Side of the blocks that objects are found in, pixels, without their margins."""
_LARGEST = 4096
"""Side of what is decoded at once, pixels shown: a field, or a block of a large one, is not enlarged to more."""


class Objects(NamedTuple):
    """The objects of a block.

    Parameters
    ----------
    labels : ndarray of int32, shape of ``block.window``
        Numbered from 1 without gaps.
    probability : ndarray of float32, shape of ``block.window``
        Of foreground.
    view : View
        How the network was shown the field.
    block : Tile
        Where they are: the block asked for, perhaps with a wider margin.
    maps, noted : None, mapping
        No maps are kept.
    """

    labels: np.ndarray
    probability: np.ndarray
    view: View
    block: Tile
    maps: None = None
    noted: Mapping[str, Any] = MappingProxyType({})


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
    diameter : str, optional
        How large the objects are, such as ``"30"`` (pixels) or ``"12um"``: they are shown to the network at the size
        that it was fitted to. Default: told from the image (see `coverslip.nn.scale`).
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

    maps_kept: tuple[str, ...] = ()

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        diameter: str | None = None,
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
        self._own_min_area = min_area is not None
        self.diameter = None if diameter is None else Length.parse(diameter)
        sizes = fitted.facts.get("object_diameter_px")
        self.known = None if sizes is None else Known.of(sizes)
        if self.diameter and not self.known:
            raise InputError("The model does not say what sizes of objects it was fitted to; leave --diameter out.")
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
        shown = View(exposure or self.exposure(fields, index)).of(fields, index)
        return self._maps(shown, region or Region(0, 0, *shown.size))[0]

    def _maps(self, shown: Shown, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """The same of a region of a field as it is shown, and where there is no image, ``(H, W)``."""
        nowhere = np.zeros((region.height, region.width), bool)
        out = np.empty((CHANNELS[self.config.separation], region.height, region.width), np.float32)
        for tile in tiles(region, shown.size, side=self.tile, margin=self.reach, multiple=self.multiple):
            scaled, empty = shown.read(tile.window)
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

    def view(self, fields: Fields, index: int) -> View:
        """How a field of several blocks is shown: its size is told from up to four parts of it, spread evenly.

        Raises
        ------
        InputError
            As `exposure`; or if `diameter` is in micrometres, and the size of the field's pixels is not known.
        """
        plain = View(self.exposure(fields, index))
        if self.known is None:
            return plain
        limit = _LARGEST / (BLOCK + 2 * self.margin)
        if self.diameter is not None:
            return replace(plain, zoom=min(self._told(fields, index), limit))
        parts = sample(fields.size(index))
        zoom = self.known.reduced(
            (PART, PART), lambda zoom: self._areas(fields, index, replace(plain, zoom=zoom), parts)
        )
        if zoom is None:
            small = sample(fields.size(index), PART // 4)
            other = self.known.other(self._areas(fields, index, plain, small))
            zoom = None if other is None else min(other, limit)
            if zoom is not None and not self.known.confirmed(
                self._areas(fields, index, replace(plain, zoom=zoom), small)
            ):
                zoom = None
        return replace(plain, zoom=zoom or 1.0)

    def blocks(self, size: tuple[int, int], side: int = BLOCK) -> list[Tile]:
        """Blocks that cover an image of this height and width, with margins wider than objects."""
        return tiles(Region(0, 0, *size), size, side=side, margin=self.margin, multiple=self.multiple)

    def objects(self, fields: Fields, index: int, block: Tile, view: View | None = None) -> Objects:
        """The objects of one block: each object of a field is of one block.

        Parameters
        ----------
        fields, index
            The field.
        block : Tile
            From `blocks`; of objects that are shown smaller, the margin is made wider.
        view : View, optional
            From `view`; needless where the block is the whole field.
        """
        size = fields.size(index)
        if block.core == Region(0, 0, *size):
            return self._whole(fields, index, block, view)
        assert view is not None
        if view.zoom < 1:
            margin = ceil(self.margin / view.zoom)
            side = max(block.core.height, block.core.width)
            (block,) = tiles(block.core, size, side=side, margin=margin, multiple=self.multiple)
        found = self._objects(fields, index, block.window, view)
        return found._replace(labels=own_objects(found.labels, block), block=block)

    def _whole(self, fields: Fields, index: int, block: Tile, view: View | None) -> Objects:
        """The objects of a field in one block, at the zoom that shows them best."""
        plain = View(self.exposure(fields, index)) if view is None else view

        def at(zoom: float) -> Objects:
            return self._objects(fields, index, block.window, replace(plain, zoom=zoom))

        if view is not None or self.known is None:
            return at(plain.zoom)
        size = fields.size(index)
        limit = _LARGEST / (size[0] * size[1]) ** 0.5
        if self.diameter is not None:
            return at(min(self._told(fields, index), max(limit, 1)))
        whole = [block.window]
        zoom = self.known.reduced(size, lambda zoom: self._areas(fields, index, replace(plain, zoom=zoom), whole))
        if zoom is not None:
            return at(zoom)
        found = at(1.0)
        zoom = self.known.other(np.bincount(found.labels.ravel())[1:])
        if zoom is not None and zoom <= limit:
            other = at(zoom)
            if self.known.confirmed(np.bincount(other.labels.ravel())[1:] * zoom**2):
                return other
        return found

    def _told(self, fields: Fields, index: int) -> float:
        assert self.diameter is not None
        assert self.known is not None
        return self.known.zoom_for(self.diameter.pixels(fields.image(index).pixel_size, fields.name(index)))

    def _areas(self, fields: Fields, index: int, view: View, parts: Sequence[Region]) -> np.ndarray:
        """The areas of objects in some parts of a field, in pixels shown."""
        shown = view.of(fields, index)
        found = [self._decoded(self._maps(shown, covering(part, view.zoom, shown.size))[0]) for part in parts]
        return np.concatenate([np.bincount(labels.ravel())[1:] for labels in found])

    def _decoded(self, maps: np.ndarray, min_area: int | None = None) -> np.ndarray:
        least = self.min_area if min_area is None else min_area
        return decode(maps, self.config.separation, threshold=self.threshold, peak=self.peak, min_area=least)

    def _objects(self, fields: Fields, index: int, window: Region, view: View) -> Objects:
        shown = view.of(fields, index)
        region = covering(window, view.zoom, shown.size)
        maps, nowhere = self._maps(shown, region)
        probability = maps[0]
        # A user's own limit is in pixels of the image, that of the model in pixels shown.
        least = round(self.min_area * view.zoom**2) if self._own_min_area else self.min_area
        labels = self._decoded(maps, least)
        if view.zoom != 1:
            probability = spread(probability, region, window, view.zoom)
            nowhere = nearest(nowhere, region, window, view.zoom)
            probability[nowhere] = 0
            labels = nearest(labels, region, window, view.zoom)
            labels = regrown(labels, probability > self.threshold, view.zoom)
            least = self.min_area if self._own_min_area else round(self.min_area / view.zoom**2)
            labels = without_small(in_one_piece(labels), max(least, 1))
        if self.fill_holes:
            labels = np.where(nowhere, 0, without_holes(labels))
        if self.drop_border:
            labels = without_small(not_at(labels, border(window, fields.size(index), nowhere)), 0)
        return Objects(labels, probability, view, Tile(window, window))

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


def segment(segmenter: Segmenter, fields: Fields, index: int) -> tuple[np.ndarray, np.ndarray, View]:
    """Segment a whole field in memory.

    Parameters
    ----------
    segmenter : Segmenter
        Ready to segment.
    fields : Fields
        With the channels the model was fitted to.
    index : int
        Which field.

    Returns
    -------
    labels : ndarray of int32, shape (H, W)
        Objects numbered from 1, 0 background.
    probability : ndarray of float32, shape (H, W)
        Of foreground.
    view : View
        How the network was shown the field.
    """
    size = fields.size(index)
    blocks = segmenter.blocks(size)
    view = segmenter.view(fields, index) if len(blocks) > 1 else None
    labels, probability = np.zeros(size, np.int32), np.empty(size, np.float32)
    count = 0
    for block in blocks:
        found = segmenter.objects(fields, index, block, view)
        count += paste(labels[found.block.window.slices], found.labels, count + 1)
        probability[block.core.slices] = found.probability[found.block.inside()]
    return labels, probability, found.view


def _config(fitted: Fitted) -> Config:
    assert isinstance(fitted.config, Config)
    return fitted.config
