"""Planes that are too large to be held whole, as the pieces that TIFF files are written in."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, Region

TILE = 512
"""Rows and columns of a tile; a multiple of every factor of a pyramid."""

_STRIP_BYTES = 256 << 10
_BAND = 512
"""Rows read at once: images that lie in chunks are read chunk by chunk, not row by row."""

_COARSEST = 1024
"""Rows and columns of the lowest resolution, at most: what a viewer reads at once for an overview."""


def planes_of(image: Image) -> Iterator[Image]:
    """Each plane of an image, in the order of its axes."""
    outer = image.axes[:-2]
    for indices in product(*(range(n) for n in image.shape[:-2])):
        yield image.select(**dict(zip(outer, indices, strict=True))) if outer else image


def rows_per_strip(image: Image, dtype: np.dtype[Any]) -> int:
    """Rows of a strip."""
    return min(max(_STRIP_BYTES // (image.width * dtype.itemsize), 1), image.height)


def packed_strips(image: Image, dtype: np.dtype[Any], rows: int) -> Iterator[bytes]:
    """Strips of `rows` rows of each plane, compressed by zlib."""
    band = max(_BAND // rows, 1) * rows
    for plane in planes_of(image):
        for top in range(0, plane.height, band):
            part = plane.crop(Region(top, 0, min(band, plane.height - top), plane.width)).read()
            pixels = part.astype(dtype, copy=False)
            for start in range(0, len(pixels), rows):
                yield zlib.compress(pixels[start : start + rows].tobytes(), 6)


def factors_of(image: Image) -> list[int]:
    """How much coarser each further resolution of a pyramid is: 2, 4, … until it fits a screen."""
    found: list[int] = []
    while -(-max(image.height, image.width) >> len(found)) > _COARSEST and 1 << len(found) < TILE:
        found.append(2 << len(found))
    return found


def coarser(tile: np.ndarray, factor: int, *, picked: bool) -> np.ndarray:
    """A tile (H, W) at a lower resolution: one pixel of `factor` x `factor` where numbers must not mix, else the mean.

    The pixel picked is the one at ``i * factor + factor // 2``, next to the centre; at the border the last there is.
    """
    if picked:
        rows, columns = (np.minimum(np.arange(0, n, factor) + factor // 2, n - 1) for n in tile.shape)
        return tile[rows[:, None], columns]
    sums = tile.astype(np.float64)
    counts = []
    for axis, n in enumerate(tile.shape):
        starts = np.arange(0, n, factor)
        sums = np.add.reduceat(sums, starts, axis=axis)
        counts.append(np.diff(np.append(starts, n)))
    means = sums / np.outer(*counts)
    return (means if tile.dtype.kind == "f" else np.rint(means)).astype(tile.dtype)


class Pyramid:
    """Tiles of an image, and beside them what its lower resolutions show, kept on disk until it is their turn.

    Parameters
    ----------
    image : Image
        Each tile is read once.
    dtype : numpy.dtype
        Of the pixels written.
    factors : list of int
        How much coarser the further resolutions are, from `factors_of`.
    picked : bool
        One pixel for each coarser one, not the mean.
    levels : sequence of ndarray
        The further resolutions, filled while `tiles` runs.
    """

    def __init__(
        self, image: Image, dtype: np.dtype[Any], factors: list[int], picked: bool, levels: Sequence[np.ndarray]
    ) -> None:
        self.image, self.dtype, self.factors, self.picked, self.levels = image, dtype, factors, picked, levels

    def tiles(self) -> Iterator[np.ndarray]:
        """The tiles of the full resolution, plane by plane."""
        for number, plane in enumerate(planes_of(self.image)):
            for y, x in product(range(0, plane.height, TILE), range(0, plane.width, TILE)):
                part = Region(y, x, min(TILE, plane.height - y), min(TILE, plane.width - x))
                pixels = plane.crop(part).read().astype(self.dtype, copy=False)
                for factor, level in zip(self.factors, self.levels, strict=True):
                    small = coarser(pixels, factor, picked=self.picked)
                    top, left = y // factor, x // factor
                    level[number, top : top + len(small), left : left + small.shape[1]] = small
                yield _filled(pixels)

    def coarse_tiles(self, level: int) -> Iterator[np.ndarray]:
        """The tiles of a further resolution, counted from 0, once the full one is written."""
        for plane in self.levels[level]:
            for y, x in product(range(0, plane.shape[0], TILE), range(0, plane.shape[1], TILE)):
                yield _filled(plane[y : y + TILE, x : x + TILE])


@contextmanager
def pyramid(image: Image, dtype: np.dtype[Any], folder: Path, *, picked: bool) -> Iterator[Pyramid]:
    """A `Pyramid` of an image whose further resolutions wait in a file in `folder`, which is gone afterwards."""
    factors = factors_of(image)
    planes = int(np.prod(image.shape[:-2], dtype=np.int64))
    shapes = [(planes, -(-image.height // factor), -(-image.width // factor)) for factor in factors]
    with tempfile.TemporaryFile(dir=folder) as file:
        levels, offset = [], 0
        for shape in shapes:
            levels.append(np.memmap(file, dtype, "r+" if offset else "w+", offset, shape))
            offset += int(np.prod(shape)) * dtype.itemsize
        yield Pyramid(image, dtype, factors, picked, levels)


def _filled(pixels: np.ndarray) -> np.ndarray:
    """A tile of the border, filled up with zeros."""
    if pixels.shape == (TILE, TILE):
        return pixels
    tile = np.zeros((TILE, TILE), pixels.dtype)
    tile[: pixels.shape[0], : pixels.shape[1]] = pixels
    return tile
