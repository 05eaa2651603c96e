"""What a fitted model says of fields of any size: the two maps, and nuclei, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import ndimage

from coverslip.core import Fields, Fitted, InputError, Length, Region
from coverslip.methods.he_nuclei.adaptation import adapted
from coverslip.methods.he_nuclei.decoding import Decoding, kept, remade, shown_again, without_small
from coverslip.methods.he_nuclei.network import Network, config_of, with_weights
from coverslip.methods.he_nuclei.scenes import DIAMETER, convex_areas, scene
from coverslip.methods.he_nuclei.sight import PART, Sight
from coverslip.methods.he_nuclei.stain import Matrix, density
from coverslip.nn.objects import border, not_at
from coverslip.nn.scale import diameter as typical
from coverslip.nn.speed import Speed
from coverslip.nn.tiles import Tile, own_objects, tiles
from coverslip.samples.opening.zoomed import covering, spread

TILE = 1024
"""Side of the tiles that the network sees, shown pixels, without their margins."""
BLOCK = 2048
"""Side of the blocks that nuclei are found in, pixels, without their margins."""
MAPS = ("haematoxylin", "network", "centre")
"""Names of the maps that are kept."""

_LOOK = 384
"""Side of the up to four parts of a field that tell how large nuclei are, shown pixels."""
_STEP = 1.4
_WIDER, _NARROWER = 1.25, 0.7
"""Between these shares of a first guess it is tried how wide nuclei are."""
_UP_TO = 32.0
"""Where nobody knows the size of pixels it is tried up to this width: parts of nuclei may have been taken for them."""
_GLASS = 0.06
"""Optical density of what holds no tissue, smoothed, is below this."""


class Objects(NamedTuple):
    """The nuclei of a block.

    Parameters
    ----------
    labels : ndarray of int32, shape of ``block.window``
        Numbered from 1 without gaps.
    probability : ndarray of float32, shape of ``block.window``
        The mixed map.
    view : Sight
        How the field was seen.
    block : Tile
        Where they are.
    maps : ndarray of uint8, shape (3, h, w)
        Those of `MAPS`, 255 for 1.
    noted : mapping
        What is needed beside them: see `Decoding.noted`.
    """

    labels: np.ndarray
    probability: np.ndarray
    view: Sight
    block: Tile
    maps: np.ndarray
    noted: Mapping[str, Any]


class Segmenter:
    """A fitted model ready to find nuclei.

    Parameters
    ----------
    fitted : Fitted
        The warm network.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    diameter : str, optional
        How large nuclei are, such as ``"30"`` (pixels) or ``"7um"``; default: told from each image.
    adapt : {"image", "none"}
        Whether the network is adapted to each image.
    stains : {"fixed", "macenko"}
        Colours of the stains.
    dab : bool, optional
        Whether there is brown to be taken out before nuclei are looked for; default: told from each image.
    alpha, threshold, min_area : optional
        See `Decoding`; the smallest area in pixels. Default: the model's.
    flips : bool
        Average over the four flips of each tile.
    drop_border : bool
        Leave out objects that touch the border of the image, or an area that holds no image.
    speed : Speed
        How the network is run.
    """

    maps_kept: tuple[str, ...] = MAPS

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        diameter: str | None = None,
        adapt: Literal["image", "none"] = "image",
        stains: Matrix = "fixed",
        dab: bool | None = None,
        alpha: float | None = None,
        recipe: Literal["house", "seed"] = "house",
        threshold: float | None = None,
        min_area: int | None = None,
        flips: bool = False,
        drop_border: bool = False,
        speed: Speed = "auto",
    ) -> None:
        self.config, self.weights = config_of(fitted), fitted.weights
        said = {"alpha": alpha, "threshold": threshold}
        self.decoding = replace(Decoding(), **{name: value for name, value in said.items() if value is not None})
        self.alpha, self.threshold, self.min_area = alpha, threshold, min_area
        self.diameter = None if diameter is None else Length.parse(diameter)
        self.adapt, self.stains, self.dab, self.recipe, self.drop_border = adapt, stains, dab, recipe, drop_border
        self._device, self._flips, self._speed = device, flips, speed
        self._network = Network(with_weights(self.config, self.weights), device, flips, speed)
        self._last: tuple[Any, Network] | None = None
        self.reach, self.multiple = self._network.reach, self._network.multiple
        self.margin = int(fitted.facts["margin"])
        seen = (TILE + 2 * self.reach) ** 2
        self.tile_bytes = 4 * seen * (9 * self.config.width // self.config.stem**2 + 12)

    # ---- how a field is seen -----------------------------------------------------------------------------------------

    def view(self, fields: Fields, index: int) -> Sight:
        """How a field is seen: its colours, how large its nuclei are, and the network adapted to it.

        Raises
        ------
        InputError
            If it is no RGB image, or as dark as fluorescence.
        """
        plain = Sight.plain(fields, index, self.config.percentiles, self.dab)
        width = plain.width_of_nuclei(fields, index, self.diameter)
        sight = plain.showing(fields, index, width, self.stains)
        if sight.stain is None or sight.stain.flat:
            return sight
        if self.diameter is None:
            sight = plain.showing(fields, index, self._width(fields, index, plain, width), self.stains)
        if self.adapt == "none" or self.recipe == "seed":
            return sight
        scenes = [scene(*look) for look in self.looks(fields, index, sight)]
        return replace(sight, weights=adapted(self.weights, scenes, self.config, device=self._device))

    def _width(self, fields: Fields, index: int, plain: Sight, first: float) -> float:
        """How wide nuclei are, in pixels of a field: the largest width that they have, too, where it is assumed.

        Shown too small, nuclei fall into texture or into each other and look wider than assumed; shown too large, they
        look narrower. At the size of texture there is often a second such width.
        """
        wider: tuple[float, float] | None = None
        widest = first * _WIDER
        if fields.image(index).pixel_size is None:
            widest = max(widest, min(first * _STEP**3, _UP_TO))
        steps = math.floor(math.log(widest / (first * _NARROWER), _STEP)) + 1
        for width in (widest / _STEP**step for step in range(steps)):
            sight = plain.showing(fields, index, width, self.stains)
            areas = [convex_areas(found) for _, _, found in self.looks(fields, index, sight, _LOOK)]
            seen = typical(np.concatenate(areas))
            if seen is None:
                continue
            excess = math.log(seen * sight.diameter / DIAMETER / width)
            if excess >= 0:
                if wider is None:  # they merge, however large they are taken to be
                    return width / _WIDER
                return width * (wider[0] / width) ** (excess / (excess - wider[1]))
            wider = width, excess
        return first if wider is None else wider[0]

    def looks(
        self, fields: Fields, index: int, sight: Sight, side: int = PART
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of parts of a field, as they are shown: colours, the mixed map, and nuclei found in it."""
        for part in sight.parts(fields, index, side):
            maps = self._maps(sight, part)
            mixed = self.decoding.mixed(maps[0], maps[1])
            yield sight.rgb(part), mixed, self.decoding.labels(maps, DIAMETER)

    # ---- maps and nuclei --------------------------------------------------------------------------------------------

    def _network_of(self, sight: Sight) -> Network:
        """The network that a field is seen with; that of the last field is kept."""
        if sight.weights is None:
            return self._network
        last = self._last
        if last is None or last[0] is not sight.weights:
            made = Network(with_weights(self.config, sight.weights), self._device, self._flips, self._speed)
            self._last = last = (sight.weights, made)
        return last[1]

    def _maps(self, sight: Sight, scaled: np.ndarray) -> np.ndarray:
        """The three maps of scaled pixels, ``(3, H, W)``."""
        assert sight.stain is not None
        if sight.stain.flat:
            return np.zeros_like(scaled)
        attention = sight.stain.attention(sight.rgb(scaled), DIAMETER)
        return np.concatenate([attention[None], self._network_of(sight)(scaled)])

    def maps(self, fields: Fields, index: int, window: Region, sight: Sight) -> tuple[np.ndarray, np.ndarray]:
        """The maps of a window of a field, in its own pixels.

        Returns
        -------
        maps : ndarray, shape (3, h, w), float32
            Attention, network, and how central in a nucleus; in [0, 1], 0 where there is no image.
        nowhere : ndarray of bool, shape (h, w)
            Where that is.
        """
        shown = sight.of(fields, index)
        region = covering(window, sight.zoom, shown.size)
        out = np.empty((len(MAPS), region.height, region.width), np.float32)
        nowhere = np.zeros(out.shape[1:], bool)
        for tile in tiles(region, shown.size, side=TILE, margin=self.reach, multiple=self.multiple):
            scaled, empty = shown.read(tile.window)
            place = Region(tile.core.y - region.y, tile.core.x - region.x, tile.core.height, tile.core.width).slices
            if self._is_glass(sight, scaled):
                out[:, *place] = 0
                continue
            out[:, *place] = self._maps(sight, scaled)[:, *tile.inside()]
            if empty is not None:
                nowhere[place] = empty[tile.inside()]
        if sight.zoom != 1:
            out = np.stack([spread(each, region, window, sight.zoom) for each in out])
            nowhere = sight.exposure.empty(fields, index, window)
        out[:, nowhere] = 0
        return out, nowhere

    def _is_glass(self, sight: Sight, scaled: np.ndarray) -> bool:
        """Whether a tile holds no tissue, so that nothing needs to be looked for."""
        faint = density(sight.rgb(scaled)[:, ::4, ::4]).mean(axis=0)
        return float(ndimage.uniform_filter(faint, 5).max()) < _GLASS

    def blocks(self, size: tuple[int, int], side: int = BLOCK) -> list[Tile]:
        """Blocks that cover an image of this height and width, with margins wider than nuclei."""
        return tiles(Region(0, 0, *size), size, side=side, margin=self.margin, multiple=self.multiple)

    def objects(self, fields: Fields, index: int, block: Tile, view: Sight | None = None) -> Objects:
        """The nuclei of one block: each nucleus of a field is of one block.

        Parameters
        ----------
        fields, index
            The field.
        block : Tile
            From `blocks`.
        view : Sight, optional
            From `view`; needless where the block is the whole field.
        """
        sight = self.view(fields, index) if view is None else view
        if self.recipe == "seed":
            return self._by_seed(fields, index, block, sight)
        size = fields.size(index)
        if sight.zoom < 1:  # nuclei are shown smaller than they are, so that the margin is too narrow
            side, margin = max(block.core.height, block.core.width), math.ceil(self.margin / sight.zoom)
            (block,) = tiles(block.core, size, side=side, margin=margin, multiple=self.multiple)
        window = block.window
        found, nowhere = self.maps(fields, index, window, sight)
        maps = kept(found)
        labels = self.decoding.labels(shown_again(maps), sight.diameter, self.min_area)
        if self.drop_border:
            labels = without_small(not_at(labels, border(window, size, nowhere)), 0)
        if block.core != Region(0, 0, *size):
            labels = own_objects(labels, block)
        mixed = self.decoding.mixed(*shown_again(maps)[:2])
        margin = math.ceil(self.margin / min(sight.zoom, 1))
        noted = self.decoding.noted(sight.diameter, self.min_area, margin) | {"drop_border": self.drop_border}
        return Objects(labels, mixed, sight, block, maps, noted)

    def _by_seed(self, fields: Fields, index: int, block: Tile, sight: Sight) -> Objects:
        """A field in one block by the method as it was published."""
        from coverslip.methods.he_nuclei.recipe import Recipe, seed_maps

        size = fields.size(index)
        if block.core != Region(0, 0, *size):
            raise InputError(
                f"{fields.name(index)} is {size[0]} x {size[1]} pixels; recipe=seed looks at whole images of up to "
                f"{BLOCK} pixels: cut it into tiles, or leave the recipe out."
            )
        rgb = sight.rgb(replace(sight, zoom=1.0).of(fields, index).read(block.window)[0])
        recipe = Recipe(seed=self.config.seed)
        two = seed_maps(rgb, recipe)
        maps = kept(np.concatenate([two, np.zeros_like(two[:1])]))
        noted: dict[str, Any] = {
            "recipe": "seed",
            "alpha": recipe.alpha if self.alpha is None else self.alpha,
            "threshold": self.threshold,
            "min_area": recipe.min_area if self.min_area is None else self.min_area,
            "margin_px": self.margin,
            "drop_border": self.drop_border,
        }
        labels = remade(maps, noted, {})
        if self.drop_border:
            labels = without_small(not_at(labels, border(block.window, size)), 0)
        alpha = float(noted["alpha"])
        mixed = alpha * two[0] + (1 - alpha) * two[1]
        return Objects(labels, mixed, sight, block, maps, noted)
