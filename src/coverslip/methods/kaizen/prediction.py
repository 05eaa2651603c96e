"""Decompose fields with a fitted Kaizen model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext

import numpy as np
from scipy import ndimage

from coverslip.core import Decomposition, Fields, Fitted, InputError, Kept, Region, task
from coverslip.methods.kaizen.explaining import Accepted, Round, explain
from coverslip.methods.kaizen.flattening import flat_labels
from coverslip.methods.kaizen.inference import Proposer
from coverslip.methods.kaizen.keeping import packed, unpacked
from coverslip.methods.kaizen.light import Light
from coverslip.methods.kaizen.search import Search
from coverslip.nn.device import choose_device
from coverslip.nn.speed import Speed
from coverslip.nn.tiles import SEAM, Tile, tiles

TILE = 1024
"""Side of the parts of a large image that are searched one after the other, pixels, without their margins."""


def predict(
    fitted: Fitted,
    fields: Fields,
    *,
    device: str = "auto",
    rivals: Sequence[Fitted] = (),
    min_confidence: float | None = None,
    min_area: int | None = None,
    drop_border: bool = False,
    fill_holes: bool = False,
    speed: Speed = "auto",
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

    Yields
    ------
    Decomposition
    """
    decomposer = Decomposer(
        fitted,
        device=device,
        rivals=rivals,
        min_confidence=min_confidence,
        min_area=min_area,
        drop_border=drop_border,
        fill_holes=fill_holes,
        speed=speed,
    )
    for index in range(len(fields)):
        yield decomposer(fields, index)


class Decomposer:
    """Fitted models ready to decompose fields; parameters as for `predict`, and `search` to replace all of it."""

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        rivals: Sequence[Fitted] = (),
        min_confidence: float | None = None,
        min_area: int | None = None,
        drop_border: bool = False,
        fill_holes: bool = False,
        speed: Speed = "auto",
        search: Search | None = None,
    ) -> None:
        given = {"confidence": min_confidence, "min_area": min_area}
        stored = dict(fitted.facts["search"] if search is None else search.model_dump())
        self.search = Search.parse({**stored, **{key: value for key, value in given.items() if value is not None}})
        self.drop_border, self.fill_holes = drop_border, fill_holes
        others = [one for one in rivals if one.method != fitted.method]
        if others:
            raise InputError(f"A rival must be a model of '{fitted.method}', not of '{others[0].method}'.")
        device = choose_device(device)
        self.proposers = [
            Proposer(one, device=device, speed=speed, number=number) for number, one in enumerate([fitted, *rivals])
        ]
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
        light, objects, rounds, loss = self.objects(fields, index, kept, side)
        background = np.empty(fields.size(index), np.float32)
        for part in self._parts(fields, index, side):
            background[part.core.slices] = light.background_of(fields, index, part.core)
        return _decomposition(fields, index, light, background, objects, rounds, loss)

    def objects(
        self, fields: Fields, index: int, kept: Kept | None = None, side: int = TILE
    ) -> tuple[Light, list[Accepted], list[Round], float]:
        """The light of a field, its objects, the rounds, and the loss before them, all in units of the light."""
        light = Light.of(fields, index)
        parts = self._parts(fields, index, side)
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
                    found = self._part(fields, index, light, part, near, several)
                done.append((part.window, found[1]))
                if kept and not before:
                    kept.put(number, packed(*found))
                loss += found[0]
                objects += found[1]
                rounds += found[2]
                if line:
                    line.advance(1, f"{len(objects):,} objects explain {_share(rounds, loss):.0%}")
        return light, self._wanted(fields, index, light, objects), _merged(rounds), loss

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

    def _parts(self, fields: Fields, index: int, side: int) -> list[Tile]:
        size = fields.size(index)
        return tiles(Region(0, 0, *size), size, side=side, margin=self.margin)

    def _part(
        self, fields: Fields, index: int, light: Light, part: Tile, before: Sequence[Accepted], several: bool
    ) -> tuple[float, list[Accepted], list[Round]]:
        """The loss of a part without objects, its objects in places of the whole image, and its rounds."""
        seen, free = light.read_free(fields, index, part.window)
        if not np.isfinite(seen).all():
            raise InputError(f"{fields.name(index)} has pixels that are no numbers (NaN or infinite); mend the file.")
        internal = _rendered(before, part.window)
        rows, columns = (slice(inside.start - SEAM, inside.stop + SEAM) for inside in part.inside())
        core = (rows, columns) if several else None
        noise = light.background.noise / light.unit
        found, turns = explain(seen, internal, noise, self.proposers, self.search, core, free)
        y, x = part.window.y, part.window.x
        moved = [
            one._replace(proposal=one.proposal._replace(top=one.proposal.top + y, left=one.proposal.left + x))
            for one in found
        ]
        return float(np.abs(seen[part.inside()]).sum(dtype=np.float64)), moved, turns


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


def _merged(rounds: Sequence[Round]) -> list[Round]:
    """Rounds of the same number in several parts of an image as one."""
    found: dict[tuple[int, int], Round] = {}
    for number, turn, proposals, accepted, gained in rounds:
        _, _, p, a, g = found.get((number, turn), (number, turn, 0, 0, 0.0))
        found[number, turn] = (number, turn, p + proposals, a + accepted, g + gained)
    return [found[key] for key in sorted(found)]


def _share(rounds: Sequence[Round], loss: float) -> float:
    return sum(row[4] for row in rounds) / loss if loss else 0.0


def _decomposition(
    fields: Fields,
    index: int,
    light: Light,
    background: np.ndarray,
    objects: Sequence[Accepted],
    rounds: Sequence[Round],
    loss: float,
) -> Decomposition:
    """The result, in grey values."""
    proposals = [one.proposal for one in objects]
    size = fields.size(index)
    centroids = np.array([p.centroid for p in proposals], np.float64).reshape(-1, 2)
    table = {
        "object": np.arange(1, len(objects) + 1),
        "y_px": centroids[:, 0],
        "x_px": centroids[:, 1],
        "top_px": np.array([p.top for p in proposals], np.int64),
        "left_px": np.array([p.left for p in proposals], np.int64),
        "area_px": np.array([int(p.mask.sum()) for p in proposals], np.int64),
        "pass": np.array([one.at[0] for one in objects], np.int64),
        "round": np.array([one.at[1] for one in objects], np.int64),
        "gain": np.array([one.gain * light.unit for one in objects], np.float64),
        "confidence": np.array([p.confidence for p in proposals], np.float64),
        "generator": np.array([p.generator for p in proposals], np.int64),
    }
    lost = np.cumsum([0.0, *(row[4] for row in rounds)])[1:]
    columns = list(zip(*rounds, strict=True)) if rounds else [()] * 5
    told = {
        "pass": np.array(columns[0], np.int64),
        "round": np.array(columns[1], np.int64),
        "proposals": np.array(columns[2], np.int64),
        "accepted": np.array(columns[3], np.int64),
        "loss": (loss - lost) * light.unit / (size[0] * size[1]),
        "explained": lost / loss if loss else lost,
    }
    return Decomposition(
        source=fields.name(index),
        labels=flat_labels(size, proposals),
        objects=table,
        masks=tuple(p.mask for p in proposals),
        pixels=tuple(p.light * np.float32(light.unit) for p in proposals),
        background=background,
        rounds=told,
        pixel_size=fields.image(index).pixel_size,
        provenance={} if light.nodata is None else {"nodata": list(light.nodata.value)},
    )
