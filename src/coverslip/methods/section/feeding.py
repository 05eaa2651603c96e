"""Tiles of fields with the marks in them, cut at random places, turned, and a little larger or smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from skimage.draw import polygon2mask

from coverslip.core import Fields, Marks, Region, free_memory, resident_memory, track
from coverslip.methods.section.config import Config
from coverslip.nn.boxes import areas, clipped, mirrored, turned
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.view import View
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch
from coverslip.train.epochs import repeated
from coverslip.train.run import Run

_WORKING = 1024 * 2**20
"""Bytes left to the network itself when `max_ram` says how much there is in all."""
_SEEN = 0.35
"""Share of a box that must lie in a tile for its object to count there."""
_LEAST = 3.0
"""Sides of boxes below so many pixels shown cannot be learned."""


class TileFeed:
    """Batches of tiles with the boxes (and masks) in them.

    Fields are held as they are shown, in half precision, as far as there is room; of the others tiles are read again.

    Parameters
    ----------
    fields : Fields
        The images.
    marks : mapping of int to Marks
        Of each row that will be asked for, in pixels of the field.
    zooms : mapping of int to float
        At which each is shown.
    classes : sequence of str
        What the names of marks are numbered by, from 1.
    config : Config
        Tile, scales, balance, target.
    run : Run
        Gives ``max_ram``.
    """

    def __init__(
        self,
        fields: Fields,
        marks: Mapping[int, Marks],
        zooms: Mapping[int, float],
        classes: Sequence[str],
        config: Config,
        run: Run,
    ) -> None:
        self._config = config
        place = {name: number for number, name in enumerate(classes, 1)}
        self._codes = {row: np.array([place[name] for name in own.names], np.int64) for row, own in marks.items()}
        self._boxes = {row: own.boxes * zooms[row] for row, own in marks.items()}
        self._outlines = {
            row: [[ring * zooms[row] for ring in rings] for rings in own.outlines or ()] for row, own in marks.items()
        }
        room = free_memory() // 2 if run.max_ram is None else run.max_ram - resident_memory() - _WORKING
        self._shown, self._held = {}, {}
        for row in track(sorted(marks), "Reading images"):
            view = View(Exposure.of(fields, row, config.percentiles), zooms[row])
            self._shown[row] = view.of(fields, row)
            height, width = self._shown[row].size
            if (room := room - 2 * fields.count * height * width) > 0:
                pixels, _ = self._shown[row].read(Region(0, 0, height, width))
                self._held[row] = pixels.astype(np.float16)

    @property
    def in_memory(self) -> bool:
        """Whether all fields fitted into memory."""
        return len(self._held) == len(self._shown)

    def repeated(self, rows: np.ndarray) -> np.ndarray:
        """Rows, each as often as tiles cover its field."""
        return repeated({row: shown.size for row, shown in self._shown.items()}, rows, self._config.tile)

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        """One batch for each array of row numbers; a seed decides the places, scales and turns of its tiles."""
        return made_ahead(self._batch, rows, seeds)

    def _batch(self, rows: np.ndarray, seed: np.random.SeedSequence) -> Batch[np.ndarray]:
        rng = np.random.default_rng(seed)
        pixels, targets = zip(*(self._one(int(row), rng) for row in rows), strict=True)
        made = np.ascontiguousarray(np.moveaxis(np.stack(pixels), 1, -1))
        return Batch(np.moveaxis(made, -1, 1), list(targets), rows)

    def _one(self, row: int, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        config, size = self._config, self._shown[row].size
        side = max(32, round(config.tile / config.scales ** rng.uniform(-1, 1)))
        y, x = self._place(row, side, rng)
        region = Region(y, x, min(side, size[0] - y), min(side, size[1] - x))
        pixels = self._read(row, region)
        pixels = np.pad(pixels, [(0, 0), (0, side - region.height), (0, side - region.width)])
        boxes, shift = self._boxes[row], np.array([x, y, x, y])
        inside = clipped(boxes - shift, (region.height, region.width))
        kept = (areas(inside) >= _SEEN * areas(boxes)) & ((inside[:, 2:] - inside[:, :2]).min(axis=1) >= _LEAST)
        inside, codes = inside[kept], self._codes[row][kept]
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        inside = turned(inside, (side, side), turns)
        inside = mirrored(inside, side) if flip else inside
        target = {"boxes": (inside * (config.tile / side)).astype(np.float32), "labels": codes}
        if config.target == "regions":
            target["masks"] = self._masks(row, np.flatnonzero(kept), (y, x), side, turns, flip)
        return _resized(_turned(pixels, turns, flip), config.tile), target

    def _place(self, row: int, side: int, rng: np.random.Generator) -> tuple[int, int]:
        """The upper left corner of a tile: anywhere, or such that an object of some class is in it."""
        most = [max(0, length - side) for length in self._shown[row].size]
        anywhere, around = rng.random(2), rng.random() < self._config.balance
        codes = self._codes[row]
        if not around or not len(codes):
            y, x = (int(at * (limit + 1)) for at, limit in zip(anywhere, most, strict=True))
            return y, x
        of_class = np.flatnonzero(codes == rng.choice(np.unique(codes)))
        left, top, right, bottom = self._boxes[row][rng.choice(of_class)]
        middle = ((top + bottom) / 2, (left + right) / 2)
        # The object lies anywhere in the middle four fifths of the tile.
        y, x = (
            int(np.clip(at - side * (0.1 + 0.8 * part), 0, limit))
            for at, part, limit in zip(middle, anywhere, most, strict=True)
        )
        return y, x

    def _read(self, row: int, region: Region) -> np.ndarray:
        held = self._held.get(row)
        pixels = self._shown[row].read(region)[0].astype(np.float16) if held is None else held[:, *region.slices]
        return pixels.astype(np.float32)

    def _masks(
        self, row: int, kept: np.ndarray, corner: tuple[int, int], side: int, turns: int, flip: bool
    ) -> np.ndarray:
        factor, tile = self._config.tile / side, self._config.tile
        masks = np.zeros((len(kept), tile, tile), np.uint8)
        for number, i in enumerate(kept.tolist()):
            for ring in self._outlines[row][i]:
                local = (ring[:, ::-1] - np.array(corner)) * factor - 0.5
                masks[number] ^= polygon2mask((tile, tile), local).astype(np.uint8)
        return np.ascontiguousarray(_turned(masks, turns, flip))


def _turned(array: np.ndarray, turns: int, flip: bool) -> np.ndarray:
    made = np.rot90(array, turns, axes=(-2, -1))
    return made[..., ::-1] if flip else made


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    if image.shape[-1] == side:
        return np.ascontiguousarray(image)
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
    scaled = F.interpolate(
        pixels, size=(side, side), mode="bilinear", antialias=image.shape[-1] > side, align_corners=False
    )
    return np.asarray(scaled[0].numpy())
