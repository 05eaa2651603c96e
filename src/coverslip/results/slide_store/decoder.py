"""A window of a level, from the chunks that it touches and those beside them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.results.slide_store.container import Damaged
from coverslip.results.slide_store.grid import TILES, Grid

_AT_ONCE = 1024
"""Pixels along each side of what goes through the network at once."""
_KEPT = 400
"""Tiles whose latents are kept: a window beside the last one needs many of the same."""


Chunks = Mapping[tuple[int, int], list[bytes] | Damaged]
"""The streams of the tiles of each chunk, or what is wrong with it."""


@dataclass(frozen=True)
class Glass:
    """What empty glass looks like.

    Parameters
    ----------
    colour : ndarray of uint8, shape (3,)
    latents : ndarray of int16, shape (latent,)
    """

    colour: np.ndarray
    latents: np.ndarray

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Glass:
        """From what the metadata say."""
        return cls(np.asarray(facts["colour"], np.uint8), np.asarray(facts["latents"], np.int16))


class Decoder:
    """Decodes windows of one level.

    Parameters
    ----------
    coder : Coder of the method
        At the level of quality of the store.
    grid : Grid
    glass : Glass
    """

    def __init__(self, coder: Any, grid: Grid, glass: Glass) -> None:
        self._coder, self._grid, self._glass = coder, grid, glass

    def chunks(self, rows: slice, columns: slice) -> list[tuple[int, int]]:
        """The chunks that a window needs, those beside it included."""
        positions = self._around(rows, 0), self._around(columns, 1)
        per_chunk = self._grid.per_tile * TILES
        down, across = (range(s.start // per_chunk, ceil(s.stop / per_chunk)) for s in positions)
        return [(row, column) for row in down for column in across]

    def window(self, chunks: Chunks, rows: slice, columns: slice) -> np.ndarray:
        """Pixels ``(H, W, 3)`` of a window.

        Raises
        ------
        InputError
            If a tile in it is missing or damaged. Those beside it only matter a little, and are taken for glass then.
        """
        found = np.empty((rows.stop - rows.start, columns.stop - columns.start, 3), np.uint8)
        for y, x in _pieces(rows, columns):
            found[_seen(y, rows), _seen(x, columns)] = self._piece(chunks, y, x)
        return found

    def _piece(self, chunks: Chunks, rows: slice, columns: slice) -> np.ndarray:
        grid, glass, coder = self._grid, self._glass, self._coder
        across = self._around(rows, 0), self._around(columns, 1)
        shape = (len(glass.latents), *(s.stop - s.start for s in across))
        latents = np.broadcast_to(glass.latents[:, None, None], shape).copy()
        empty = []
        for row, column in _tiles(across, grid.per_tile):
            y, x = (slice(i * grid.tile, (i + 1) * grid.tile) for i in (row, column))
            inside = _overlap(y, rows) is not None and _overlap(x, columns) is not None
            streams = chunks[row // TILES, column // TILES]
            stream = streams if isinstance(streams, Damaged) else streams[row % TILES * TILES + column % TILES]
            if stream == b"":
                empty.append((y, x))
                continue
            try:
                tile = self._latents(stream, (row, column))
            except InputError as error:
                if inside:
                    raise
                del error
                continue
            own = [
                slice(i * grid.per_tile, i * grid.per_tile + n)
                for i, n in zip((row, column), tile.shape[1:], strict=True)
            ]
            shared = [_overlap(part, wanted) for part, wanted in zip(own, across, strict=True)]
            if shared[0] is not None and shared[1] is not None:
                latents[:, _seen(shared[0], across[0]), _seen(shared[1], across[1])] = tile[
                    :, _seen(shared[0], own[0]), _seen(shared[1], own[1])
                ]
        covered = sum(
            (a.stop - a.start) * (b.stop - b.start)
            for y, x in empty
            if (a := _overlap(y, rows)) is not None and (b := _overlap(x, columns)) is not None
        )
        size = rows.stop - rows.start, columns.stop - columns.start
        if covered == size[0] * size[1]:
            return np.broadcast_to(glass.colour, (*size, 3))
        inner = [
            slice(part.start // grid.side - around.start, ceil(part.stop / grid.side) - around.start)
            for part, around in zip((rows, columns), across, strict=True)
        ]
        top, left = rows.start % grid.side, columns.start % grid.side
        pixels: np.ndarray = coder.pixels(latents, *inner)[top : top + size[0], left : left + size[1]].copy()
        for y, x in empty:
            a, b = _overlap(y, rows), _overlap(x, columns)
            if a is not None and b is not None:
                pixels[_seen(a, rows), _seen(b, columns)] = glass.colour
        return pixels

    def _latents(self, stream: bytes | Damaged, tile: tuple[int, int]) -> np.ndarray:
        grid = self._grid
        if isinstance(stream, Damaged):
            raise InputError(f"{stream}; copy it again from its source.")
        size = grid.size(*tile)
        try:
            return _CACHE.get((id(self._coder), size, stream), lambda: self._coder.decode(stream, size))
        except InputError as error:
            raise InputError(
                f"The tile {tile[0]}, {tile[1]} (rows from {tile[0] * grid.tile}, columns from {tile[1] * grid.tile}) "
                f"is damaged: {str(error).rstrip('.').lower()}; copy the store again from its source."
            ) from error

    def _around(self, part: slice, axis: int) -> slice:
        """The positions of latents that pixels along one axis depend on."""
        side, margin = self._grid.side, self._coder.margin
        end = self._grid.positions[axis]
        return slice(max(part.start // side - margin, 0), min(ceil(part.stop / side) + margin, end))


def _pieces(rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
    for y in range(rows.start, rows.stop, _AT_ONCE):
        for x in range(columns.start, columns.stop, _AT_ONCE):
            yield slice(y, min(y + _AT_ONCE, rows.stop)), slice(x, min(x + _AT_ONCE, columns.stop))


def _tiles(across: tuple[slice, slice], per_tile: int) -> Iterator[tuple[int, int]]:
    down, right = (range(s.start // per_tile, ceil(s.stop / per_tile)) for s in across)
    for row in down:
        for column in right:
            yield row, column


def _overlap(a: slice, b: slice) -> slice | None:
    start, stop = max(a.start, b.start), min(a.stop, b.stop)
    return slice(start, stop) if start < stop else None


def _seen(part: slice, whole: slice) -> slice:
    """A part of something, counted from where that begins."""
    return slice(part.start - whole.start, part.stop - whole.start)


class _Cache:
    """The latents of the tiles read last."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Any) -> np.ndarray:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        found: np.ndarray = make()
        with self._lock:
            self._held[key] = found
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
        return found


_CACHE = _Cache()
