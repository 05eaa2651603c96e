"""Regions that stay near-lossless: which pixels these are, and how they are written beside the codec's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from coverslip.core import InputError, Region, track
from coverslip.core.cores import cores
from coverslip.core.marks import Rings, box_of
from coverslip.core.words import number_of
from coverslip.io.images.slides import Slide
from coverslip.io.listing import bare_name
from coverslip.io.marks.geojson import features_of
from coverslip.io.marks.reading import json_of
from coverslip.io.outlines import fill
from coverslip.io.paths import split_part
from coverslip.results.slide_store.grid import TILE, Grid
from coverslip.results.slide_store.originals import file_of, packed_pixels, region_of, tiles_in
from coverslip.samples.slides.areas import outlines_of

REGIONS = "regions.geojson"
"""Where a store holds the outlines of what it keeps; nothing else that was drawn or written with them."""

Tile = tuple[int, int]
"""The row and the column of a tile."""


@dataclass(frozen=True)
class Kept:
    """Regions of a slide that stay near-lossless.

    Parameters
    ----------
    path : Path
        A GeoJSON with outlines in pixels of the full resolution.
    height, width : int
        Of the slide.
    error : int
        How many grey values of 255 any value in them may be off.
    """

    path: Path
    height: int
    width: int
    error: int

    @classmethod
    def asked(cls, named: Path | None, name: str, slide: Slide, error: int) -> Kept | None:
        """The regions of a slide: of a file, or, in a folder, of the file that is called as the slide.

        Raises
        ------
        InputError
            If the file cannot be read, is empty, or one of its outlines has no pixel of the slide.
        """
        if named is None:
            return None
        path = named / f"{bare_name(split_part(name)[0])}.geojson" if named.is_dir() else named
        if named.is_dir() and not path.exists():
            return None
        kept = cls(path, slide.height, slide.width, error)
        for number, rings in enumerate(kept.outlines, 1):
            if not any(_filled([rings], part).any() for part in kept._parts(rings)):
                raise InputError(
                    f"Outline {number} of {path} has none of the {slide.height} x {slide.width} pixels of the slide; "
                    "outlines are in pixels of the full resolution, as QuPath exports them, not in µm or in shares."
                )
        return kept

    @cached_property
    def outlines(self) -> list[Rings]:
        """What was drawn."""
        return outlines_of(self.path)

    def mask(self, region: Region) -> np.ndarray:
        """Which pixels ``(H, W)`` of a region of the slide are kept."""
        return _filled(self.outlines, region)

    def tiles(self, grid: Grid) -> list[Tile]:
        """The tiles that have pixels to keep, in reading order."""
        parts = (part for rings in self.outlines for part in self._parts(rings))
        near = {tile for part in parts for tile in tiles_in(*part.slices, grid.tile)}
        return [tile for tile in sorted(near) if self.mask(region_of(grid, tile)).any()]

    def _parts(self, rings: Rings) -> Iterator[Region]:
        """The box around an outline, as far as it is on the slide, in parts of the size of tiles."""
        box = box_of(rings)
        if not np.isfinite(box).all():
            return
        left, top = (max(int(np.floor(low)), 0) for low in box[:2])
        right, bottom = (min(int(np.ceil(n)), end) for n, end in zip(box[2:], (self.width, self.height), strict=True))
        for y in range(top, bottom, TILE):
            for x in range(left, right, TILE):
                yield Region(y, x, min(TILE, bottom - y), min(TILE, right - x))


def keep(kept: Kept, tiles: Sequence[Tile], slide: Slide, grid: Grid, folder: Path) -> dict[str, int]:
    """Write the pixels of the regions, and their outlines.

    Parameters
    ----------
    kept : Kept
    tiles : sequence of (int, int)
        `Kept.tiles`.
    slide : Slide
    grid : Grid
        Of the full resolution.
    folder : Path
        Of the store.

    Returns
    -------
    dict of str to int
        ``error``, and how many ``tiles``, ``pixels`` and ``bytes`` it took.
    """

    def one(tile: Tile) -> tuple[int, int]:
        own = region_of(grid, tile)
        mask = kept.mask(own)
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        part = Region(own.y + top, own.x + left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left)
        mask = mask[top : top + part.height, left : left + part.width]
        data = packed_pixels(slide.read(part)[..., :3], mask, (top, left), kept.error)
        path = folder / "0" / file_of(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return int(mask.sum()), len(data)

    with ThreadPoolExecutor(min(cores(), len(tiles))) as pool:
        found = list(track(pool.map(one, tiles), "Keeping regions", total=len(tiles)))
    _write_outlines(kept.path, folder / REGIONS)
    pixels, size = (sum(each) for each in zip(*found, strict=True))
    return {"error": kept.error, "tiles": len(tiles), "pixels": pixels, "bytes": size}


def in_words(facts: Mapping[str, int]) -> str:
    """What is kept, and what it takes."""
    exact = "exact" if not facts["error"] else f"within {number_of(facts['error'], 'grey value')}"
    return f"{facts['bytes'] / 1e6:.3g} MB of it keep {facts['pixels'] / 1e6:.3g} megapixels of regions {exact}"


def _filled(outlines: Sequence[Rings], region: Region) -> np.ndarray:
    labels = np.zeros((region.height, region.width), np.uint8)
    for rings in outlines:
        fill(labels, [ring - (region.x, region.y) for ring in rings], 1)
    return labels.astype(bool)


def _write_outlines(path: Path, out: Path) -> None:
    features = [
        {"type": "Feature", "properties": {}, "geometry": {k: one["geometry"][k] for k in ("type", "coordinates")}}
        for one in features_of(json_of(path), path)
    ]
    out.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
