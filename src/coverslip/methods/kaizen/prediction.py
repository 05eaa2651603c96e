"""Decompose fields with a fitted Kaizen model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from coverslip.core import Decomposition, Fields, Fitted, InputError, Kept, Length, Region, task
from coverslip.core.words import number_of
from coverslip.methods.kaizen.assembly import Found, decomposition, merged, share_explained
from coverslip.methods.kaizen.config import Config
from coverslip.methods.kaizen.explaining import Accepted, Round, explain
from coverslip.methods.kaizen.inference import Proposer
from coverslip.methods.kaizen.keeping import packed, unpacked
from coverslip.methods.kaizen.light import Kind, Light, adding_up
from coverslip.methods.kaizen.search import Search
from coverslip.methods.kaizen.shown import Shown, brought_back
from coverslip.nn.device import choose_device
from coverslip.nn.familiar import Familiar, expected_iou, traits
from coverslip.nn.scale import LARGEST, NO_SIZES, Known
from coverslip.nn.speed import Speed
from coverslip.nn.tiles import SEAM, Tile, tiles
from coverslip.samples.opening.looks import PART, sample
from coverslip.samples.opening.zoomed import covering

TILE = 1024
"""Side of the parts of a large image that are searched one after the other, pixels, without their margins."""


def predict(
    fitted: Fitted,
    fields: Fields,
    *,
    device: str = "auto",
    diameter: str | None = None,
    light: Kind | None = None,
    rivals: Sequence[Fitted] = (),
    min_confidence: float | None = None,
    min_area: int | None = None,
    drop_border: bool = False,
    fill_holes: bool = False,
    speed: Speed = "auto",
    search: Mapping[str, Any] | None = None,
) -> Iterator[Decomposition]:
    """Decompose fields one after the other.

    Parameters
    ----------
    fitted : Fitted
        A fitted Kaizen model.
    fields : Fields
        Images of any size with one channel.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    diameter : str, optional
        How large the objects are, such as ``"30"`` (pixels) or ``"12um"``; default: told from each image.
    light : {"emitted", "absorbed"}, optional
        Whether objects send light or absorb it; default: as in the fit.
    rivals : sequence of Fitted
        Further Kaizen models that propose objects for the same image; the best proposal wins.
    min_confidence, min_area : optional
        Objects below are not accepted; default: what was best on held-out fields.
    drop_border : bool
        Leave out objects that touch the border of the image, or an area that holds no image.
    fill_holes : bool
        Background that an object encloses becomes part of its mask.
    speed : Speed
        How the networks are run, see `coverslip.nn.speed`.
    search : mapping of str to value, optional
        What of the model's `Search` is replaced, such as ``{"passes": 3}``.

    Yields
    ------
    Decomposition
    """
    decomposer = Decomposer(
        fitted,
        device=device,
        diameter=diameter,
        light=light,
        rivals=rivals,
        min_confidence=min_confidence,
        min_area=min_area,
        drop_border=drop_border,
        fill_holes=fill_holes,
        speed=speed,
        search=search,
    )
    for index in range(len(fields)):
        yield decomposer(fields, index)


class Decomposer:
    """Fitted models ready to decompose fields; parameters as for `predict`."""

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        diameter: str | None = None,
        light: Kind | None = None,
        rivals: Sequence[Fitted] = (),
        min_confidence: float | None = None,
        min_area: int | None = None,
        drop_border: bool = False,
        fill_holes: bool = False,
        speed: Speed = "auto",
        search: Mapping[str, Any] | None = None,
    ) -> None:
        given = {"confidence": min_confidence, "min_area": min_area}
        stored = {**fitted.facts["search"], **(search or {})}
        self.search = Search.parse({**stored, **{key: value for key, value in given.items() if value is not None}})
        self.drop_border, self.fill_holes = drop_border, fill_holes
        assert isinstance(fitted.config, Config)
        self.light: Kind = light or fitted.config.light
        # Masks that are cut out by the brightness of an image are not brought back from another size.
        self.known = None if self.search.brightness else Known.of_facts(fitted.facts)
        self.familiar = Familiar.of_facts(fitted.facts)
        self.diameter = None if diameter is None else Length.parse(diameter)
        if self.diameter and not self.known:
            raise InputError(NO_SIZES)
        self._own_min_area = min_area is not None
        others = [one for one in rivals if one.method != fitted.method]
        if others:
            raise InputError(f"A rival must be a model of '{fitted.method}', not of '{others[0].method}'.")
        device = choose_device(device)
        self.proposers = [
            Proposer(one, device=device, speed=speed, number=number) for number, one in enumerate([fitted, *rivals])
        ]
        if {proposer.config.masks for proposer in self.proposers} != {not self.search.brightness}:
            raise InputError(
                "A model that generates masks is searched with brightness=0, one without them with 0.1 or so; models "
                "of both kinds cannot compete."
            )
        self.margin = max(int(one.facts["margin"]) for one in (fitted, *rivals))
        self.tile_bytes = max(proposer.bytes for proposer in self.proposers)

    def __call__(self, fields: Fields, index: int, kept: Kept | None = None, side: int = TILE) -> Decomposition:
        """Decompose one field.

        Parameters
        ----------
        fields, index
            Which.
        kept : Kept, optional
            Where the parts of a large field are kept: those that are there are not searched again.
        side : int
            Of these parts, pixels, without their margins.

        Raises
        ------
        InputError
            If it has several channels, or pixels that are no numbers.
        """
        plain = self._plain(fields, index)
        fields, light = plain.fields, plain.light
        zoom, found = self._shown_best(plain, kept, side)
        doubts: tuple[str, ...] = ()
        iou = float("nan")
        if self.familiar is not None:
            seen = self._traits(replace(plain, zoom=zoom), found.objects)
            doubts, iou = self.familiar.doubts(seen), expected_iou(seen)
            doubts += () if self.known is None else self.known.doubts(_areas(found.objects))
        size = fields.size(index)
        background = np.empty(size, np.float32)
        for part in tiles(Region(0, 0, *size), size, side=side, margin=0):
            background[part.core.slices] = light.background_of(fields, index, part.core)
        objects = self._wanted(fields, index, light, self._brought_back(found.objects, zoom, size))
        made = decomposition(fields, index, light, background, found._replace(objects=objects), zoom)
        return replace(made, doubts=doubts, expected_iou=iou, absorbed=self.light == "absorbed")

    def objects(self, fields: Fields, index: int) -> list[Accepted]:
        """The objects of a field at its own size; loss and gains are in units of its light."""
        return self._searched(self._plain(fields, index), None, TILE).objects

    def traits(self, fields: Fields, index: int) -> dict[str, float]:
        """What a field looks like to the model at its own size; see `coverslip.nn.familiar`."""
        plain = self._plain(fields, index)
        return self._traits(plain, self._searched(plain, None, TILE).objects)

    def _plain(self, fields: Fields, index: int) -> Shown:
        """A field at its own size."""
        fields = adding_up(fields, self.light)
        return Shown(Light.of(fields, index), fields, index)

    def _traits(self, shown: Shown, objects: Sequence[Accepted]) -> dict[str, float]:
        parts = []
        for part in sample(shown.fields.size(shown.index)):
            region = covering(part, shown.zoom, shown.size)
            light, free = shown.read(region)
            parts.append(((light[None] / 2).clip(0, 1), _probability(objects, region), ~free))
        return traits(parts, 0)

    def _shown_best(self, plain: Shown, kept: Kept | None, side: int) -> tuple[float, Found]:
        """At what zoom the objects of a field are shown best, and what is found at it."""
        size = plain.fields.size(plain.index)
        name, pixel_size = plain.fields.name(plain.index), plain.fields.image(plain.index).pixel_size
        limit = LARGEST / (size[0] * size[1]) ** 0.5
        zoom, done = 1.0, None
        if self.diameter is not None:
            assert self.known is not None
            zoom = min(self.known.zoom_for(self.diameter.pixels(pixel_size, name)), max(limit, 1))
        elif self.known is not None:

            def look(zoom: float) -> np.ndarray:
                nonlocal done
                if zoom == 1 and max(size) <= side:  # most fields are: what is found counts
                    done = self._searched(plain, kept, side)
                    return _areas(done.objects)
                parts = sample(size, PART if zoom < 1 else PART // 4)
                return self._glanced(replace(plain, zoom=zoom), parts)

            zoom = self.known.told(size, look, limit)
        if zoom == 1 and done is not None:
            return zoom, done
        return zoom, self._searched(replace(plain, zoom=zoom), kept, side)

    def _glanced(self, shown: Shown, parts: Sequence[Region]) -> np.ndarray:
        """The areas of objects in some parts of a field, pixels shown, after a quick search."""
        quick = self.search.model_copy(update={"ways": 1, "passes": 1})
        found = []
        for part in parts:
            light, free = shown.read(covering(part, shown.zoom, shown.size))
            found.append(_areas(explain(light, np.zeros_like(light), shown.noise, self.proposers, quick, free=free)[0]))
        return np.concatenate(found)

    def _brought_back(self, objects: list[Accepted], zoom: float, size: tuple[int, int]) -> list[Accepted]:
        """Objects in the field's own pixels; gains are sums over pixels, too."""
        if zoom == 1:
            return objects
        pairs = [(one, brought_back(one.proposal, zoom, size, self.search.mask)) for one in objects]
        return [one._replace(proposal=own, gain=one.gain / zoom**2) for one, own in pairs if own is not None]

    def _searched(self, shown: Shown, kept: Kept | None, side: int) -> Found:
        """What is found in a field as it is shown, part by part."""
        parts = tiles(Region(0, 0, *shown.size), shown.size, side=side, margin=self.margin)
        objects: list[Accepted] = []
        rounds: list[Round] = []
        loss = 0.0
        done: list[tuple[Region, list[Accepted]]] = []
        several = len(parts) > 1
        kept = kept if several else None
        line = task("Explaining", len(parts)) if several else None
        with closing(line) if line else nullcontext():
            for number, part in enumerate(parts):
                before = kept.get(number) if kept else None
                if before:
                    found = unpacked(before)
                else:
                    # Objects lie in the windows of their parts.
                    near = [one for window, there in done if window.shared(part.window) for one in there]
                    found = self._part(shown, part, near, several)
                done.append((part.window, found[1]))
                if kept and not before:
                    kept.put(number, packed(*found))
                loss += found[0]
                objects += found[1]
                rounds += found[2]
                if line:
                    line.advance(
                        1,
                        f"{number_of(len(objects), 'object explains', 'objects explain')} "
                        f"{share_explained(rounds, loss):.0%}",
                    )
        return Found(objects, merged(rounds), loss)

    def _wanted(self, fields: Fields, index: int, light: Light, objects: list[Accepted]) -> list[Accepted]:
        """Objects as they were asked for: without holes, and without those that the border cuts."""
        if not (self.drop_border or self.fill_holes):
            return objects
        kept = []
        for one in objects:
            mask = one.proposal.mask
            around = _image_around(fields, index, light, one.proposal.box)
            if self.drop_border and (ndimage.binary_dilation(np.pad(mask, 1), np.ones((3, 3))) & ~around).any():
                continue
            if self.fill_holes:
                filled = ndimage.binary_fill_holes(mask) & around[1:-1, 1:-1]
                one = one._replace(proposal=one.proposal._replace(mask=filled))
            kept.append(one)
        return kept

    def _part(
        self, shown: Shown, part: Tile, before: Sequence[Accepted], several: bool
    ) -> tuple[float, list[Accepted], list[Round]]:
        """The loss of a part without objects, its objects in places of the whole image, and its rounds."""
        seen, free = shown.read(part.window)
        if not np.isfinite(seen).all():
            name = shown.fields.name(shown.index)
            raise InputError(f"{name} has pixels that are no numbers (NaN or infinite); mend the file.")
        internal = _rendered(before, part.window)
        rows, columns = (slice(inside.start - SEAM, inside.stop + SEAM) for inside in part.inside())
        core = (rows, columns) if several else None
        search = self.search
        if self._own_min_area:  # a user's own limit is in pixels of the image, that of the model in pixels shown
            search = search.model_copy(update={"min_area": round(search.min_area * shown.zoom**2)})
        found, turns = explain(seen, internal, shown.noise, self.proposers, search, core, free)
        y, x = part.window.y, part.window.x
        moved = [
            one._replace(proposal=one.proposal._replace(top=one.proposal.top + y, left=one.proposal.left + x))
            for one in found
        ]
        return float(np.abs(seen[part.inside()]).sum(dtype=np.float64)), moved, turns


def _areas(objects: Sequence[Accepted]) -> np.ndarray:
    return np.array([int(one.proposal.mask.sum()) for one in objects], np.int64)


def _image_around(fields: Fields, index: int, light: Light, box: Region) -> np.ndarray:
    """Which pixels of a box of the image, and of a frame around it, hold an image, ``(h + 2, w + 2)`` bool."""
    wide = Region(box.y - 1, box.x - 1, box.height + 2, box.width + 2)
    there = box.grown(1, *fields.size(index))
    own, _ = wide.shared(there)  # type: ignore[misc]  # it is a part of it
    around = np.zeros((wide.height, wide.width), bool)
    around[own] = light.free(fields, index, there)
    return around


def _rendered(objects: Sequence[Accepted], window: Region) -> np.ndarray:
    """The light of objects in a window of the image."""
    canvas = np.zeros((window.height, window.width), np.float32)
    for one in objects:
        if shared := window.shared(one.proposal.box):
            place, part = shared
            canvas[place] += one.proposal.light[part]
    return canvas


def _probability(objects: Sequence[Accepted], window: Region) -> np.ndarray:
    """How sure the model is that a pixel of a window is of an object; 0 where it found none."""
    canvas = np.zeros((window.height, window.width), np.float32)
    for one in objects:
        if shared := window.shared(one.proposal.box):
            place, part = shared
            canvas[place] = np.maximum(canvas[place], one.proposal.probability[part] * one.proposal.mask[part])
    return canvas
