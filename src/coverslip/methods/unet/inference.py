"""What a fitted U-Net finds in fields of any size, at the zoom that shows their objects best, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Fields, Fitted, InputError, Length, Region
from coverslip.methods.unet.decoding import PEAK, decode, without_small
from coverslip.methods.unet.outputs import TILE, Outputs, settings
from coverslip.nn.familiar import Familiar, expected_iou, traits
from coverslip.nn.objects import border, in_one_piece, not_at, without_holes
from coverslip.nn.scale import LARGEST, NO_SIZES, Known
from coverslip.nn.speed import Speed
from coverslip.nn.tiles import Tile, own_objects, paste, tiles
from coverslip.samples.opening.channels import other_channels
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.inverted import Inverted
from coverslip.samples.opening.looks import PART, sample
from coverslip.samples.opening.view import View
from coverslip.samples.opening.zoomed import covering, nearest, regrown, spread

BLOCK = 2048
"""Side of the blocks that objects are found in, pixels, without their margins."""


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
        self.config = settings(fitted)
        self.inputs = int(fitted.facts["inputs"])
        decoding = fitted.facts["decoding"]
        self.threshold = float(decoding["threshold"]) if threshold is None else threshold
        self.peak = float(decoding.get("peak", PEAK))
        self.min_area = int(decoding["min_area"]) if min_area is None else min_area
        self._own_min_area = min_area is not None
        self.diameter = None if diameter is None else Length.parse(diameter)
        self.known = Known.of_facts(fitted.facts)
        self.familiar = Familiar.of_facts(fitted.facts)
        if self.diameter and not self.known:
            raise InputError(NO_SIZES)
        self.drop_border, self.fill_holes = drop_border, fill_holes
        if not 0 < self.threshold < 1:
            raise InputError(f"A threshold for a probability lies between 0 and 1, not at {self.threshold}.")
        self.margin = int(fitted.facts["margin"])
        self._outputs = Outputs(fitted, device, flips=flips, speed=speed, tile=tile)
        self.tile_bytes = self._outputs.bytes

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
        return self._outputs.maps(shown, region or Region(0, 0, *shown.size))[0]

    def exposure(self, fields: Fields, index: int) -> Exposure:
        """The grey values that a field is scaled by.

        Raises
        ------
        InputError
            If the field has other channels than those the model was fitted to.
        """
        if fields.count != self.inputs:
            raise InputError(other_channels(fields, index, self.inputs))
        return Exposure.of(fields, index, self.config.percentiles)

    def view(self, fields: Fields, index: int) -> View:
        """How a field of several blocks is shown: its size is told from up to four parts of it, spread evenly.

        Raises
        ------
        InputError
            As `exposure`; or if `diameter` is in micrometres, and the size of the field's pixels is not known.
        """
        view = self._view(fields, index, inverted=False)
        if view.doubts:
            other = self._view(fields, index, inverted=True)
            return view if other.doubts else other
        return view

    def _view(self, fields: Fields, index: int, *, inverted: bool) -> View:
        plain = self._plain(fields, index, inverted)
        limit = LARGEST / (BLOCK + 2 * self.margin)

        def look(zoom: float) -> np.ndarray:
            parts = sample(fields.size(index), PART if zoom < 1 else PART // 4)
            return self._areas(fields, index, replace(plain, zoom=zoom), parts)

        if self.diameter is not None:
            zoom = min(self._told(fields, index), limit)
        else:
            zoom = 1.0 if self.known is None else self.known.told((PART, PART), look, limit)
        view = replace(plain, zoom=zoom)
        if self.familiar is None:
            return view
        parts = sample(fields.size(index), PART if zoom < 0.5 else PART // 4)
        seen = self.traits(fields, index, view, parts)
        return replace(view, doubts=self.familiar.doubts(seen), expected_iou=expected_iou(seen))

    def _plain(self, fields: Fields, index: int, inverted: bool = False) -> View:
        return View(self.exposure(Inverted(fields) if inverted else fields, index), inverted=inverted)

    def traits(self, fields: Fields, index: int, view: View, parts: Sequence[Region]) -> dict[str, float]:
        """What some parts of a field look like to the network; see `coverslip.nn.familiar`."""
        shown = view.of(fields, index)
        regions = [covering(part, view.zoom, shown.size) for part in parts]
        seen = ((*shown.read(region), self._outputs.maps(shown, region)[0][0]) for region in regions)
        return traits(((scaled, probability, empty) for scaled, empty, probability in seen), self.threshold)

    def blocks(self, size: tuple[int, int], side: int = BLOCK) -> list[Tile]:
        """Blocks that cover an image of this height and width, with margins wider than objects."""
        return tiles(Region(0, 0, *size), size, side=side, margin=self.margin, multiple=self._outputs.multiple)

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
            (block,) = tiles(block.core, size, side=side, margin=margin, multiple=self._outputs.multiple)
        found = self._objects(fields, index, block.window, view)
        return found._replace(labels=own_objects(found.labels, block), block=block)

    def _whole(self, fields: Fields, index: int, block: Tile, view: View | None) -> Objects:
        """The objects of a field in one block, at the zoom that shows them best."""
        if view is not None:
            return self._objects(fields, index, block.window, view)
        found = self._best(fields, index, block.window, self._plain(fields, index))
        if found.view.doubts:
            other = self._best(fields, index, block.window, self._plain(fields, index, inverted=True))
            return found if other.view.doubts else other
        return found

    def _best(self, fields: Fields, index: int, window: Region, plain: View) -> Objects:
        """The objects of a field in one block, light and dark as they are told."""
        done: dict[float, Objects] = {}

        def at(zoom: float) -> Objects:
            return self._objects(fields, index, window, replace(plain, zoom=zoom), judged=True)

        def look(zoom: float) -> np.ndarray:
            if zoom < 1:
                return self._areas(fields, index, replace(plain, zoom=zoom), [window])
            done[zoom] = at(zoom)
            return np.bincount(done[zoom].labels.ravel())[1:] * zoom**2

        if self.known is None:
            return at(1.0)
        size = fields.size(index)
        limit = LARGEST / (size[0] * size[1]) ** 0.5
        if self.diameter is not None:
            return at(min(self._told(fields, index), max(limit, 1)))
        zoom = self.known.told(size, look, limit)
        return done.get(zoom) or at(zoom)

    def _told(self, fields: Fields, index: int) -> float:
        assert self.diameter is not None
        assert self.known is not None
        return self.known.zoom_for(self.diameter.pixels(fields.image(index).pixel_size, fields.name(index)))

    def _areas(self, fields: Fields, index: int, view: View, parts: Sequence[Region]) -> np.ndarray:
        """The areas of objects in some parts of a field, in pixels shown."""
        shown = view.of(fields, index)
        found = [self._decoded(self._outputs.maps(shown, covering(part, view.zoom, shown.size))[0]) for part in parts]
        return np.concatenate([np.bincount(labels.ravel())[1:] for labels in found])

    def _decoded(self, maps: np.ndarray, min_area: int | None = None) -> np.ndarray:
        least = self.min_area if min_area is None else min_area
        return decode(maps, self.config.separation, threshold=self.threshold, peak=self.peak, min_area=least)

    def _objects(self, fields: Fields, index: int, window: Region, view: View, *, judged: bool = False) -> Objects:
        shown = view.of(fields, index)
        region = covering(window, view.zoom, shown.size)
        maps, nowhere = self._outputs.maps(shown, region)
        probability = maps[0]
        # A user's own limit is in pixels of the image, that of the model in pixels shown.
        least = round(self.min_area * view.zoom**2) if self._own_min_area else self.min_area
        labels = self._decoded(maps, least)
        if judged and self.familiar is not None:
            seen = traits([(shown.read(region)[0], probability, nowhere)], self.threshold) if labels.any() else {}
            strange = () if self.known is None else self.known.doubts(np.bincount(labels.ravel())[1:])
            view = replace(view, doubts=(*self.familiar.doubts(seen), *strange), expected_iou=expected_iou(seen))
        if view.zoom != 1:
            probability = spread(probability, region, window, view.zoom)
            nowhere = view.exposure.empty(fields, index, window)
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
