"""The codec of slide stores for Zarr, which finds it by its entry point: arrays decode where they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin
from zarr.storage import StorePath

from coverslip.core import InputError, Region
from coverslip.results.slide_store.container import Damaged, unpacked
from coverslip.results.slide_store.decoder import Decoder, Glass
from coverslip.results.slide_store.grid import TILES, Grid
from coverslip.results.slide_store.originals import file_of, put_pixels, region_of, tiles_in
from coverslip.results.slide_store.used import coder_of

NAME = "coverslip_slide"


@dataclass(frozen=True)
class SlideCodec(ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin):
    """Decodes chunks of a slide store; they are written by ``coverslip predict``, not through Zarr.

    Parameters
    ----------
    model : mapping
        ``name`` of a shipped model or ``inside``: where the model lies; ``sha256`` of its weights.
    level : int
        Level of quality.
    shape : tuple of int
        Height and width of the array, pixels.
    side, tile : int
        Pixels along each side of a position of latents, and of a tile.
    glass : mapping
        ``colour`` and ``latents`` of empty glass.
    border : int
        How much finer the border of tiles is; 0 in stores that were made before there was such a thing.
    kept : mapping, optional
        ``error`` and ``tiles`` of regions that stay near-lossless.
    """

    is_fixed_size = False

    model: Mapping[str, Any]
    level: int
    shape: tuple[int, int]
    side: int
    tile: int
    glass: Mapping[str, Any]
    border: int = 0
    kept: Mapping[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SlideCodec:
        """From what the metadata of an array say."""
        facts = data.get("configuration")
        try:
            return cls(
                dict(facts["model"]),  # type: ignore[index]
                int(facts["level"]),  # type: ignore[index]
                (int(facts["shape"][0]), int(facts["shape"][1])),  # type: ignore[index]
                int(facts["side"]),  # type: ignore[index]
                int(facts["tile"]),  # type: ignore[index]
                dict(facts["glass"]),  # type: ignore[index]
                int(facts.get("border", 0)),  # type: ignore[union-attr]
                facts.get("kept"),  # type: ignore[union-attr]
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"the codec '{NAME}' lacks a usable {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """What the metadata of an array say."""
        facts = {
            "model": dict(self.model),
            "level": self.level,
            "shape": list(self.shape),
            "side": self.side,
            "tile": self.tile,
            "glass": dict(self.glass),
            "border": self.border,
        }
        if self.kept is not None:
            facts["kept"] = dict(self.kept)
        return {"name": NAME, "configuration": facts}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Not known before."""
        raise NotImplementedError

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        raise InputError("A slide store is not written through Zarr; make a new one with coverslip predict.")

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        raise InputError("A chunk of a slide store needs those around it; read it as a part of its array.")

    async def _decode_partial_single(self, byte_getter: Any, selection: Any, chunk_spec: Any) -> Any:
        grid = Grid(*self.shape, self.side, self.tile)
        place = _Place.of(byte_getter)
        window, within = _window(selection, chunk_spec.shape)
        rows = _absolute(window[1], place.row * grid.chunk, self.shape[0])
        columns = _absolute(window[2], place.column * grid.chunk, self.shape[1])
        found = np.zeros(tuple(s.stop - s.start for s in window), np.uint8)
        if rows.stop > rows.start and columns.stop > columns.start:
            coder = await coder_of(byte_getter.store, place.root, self.model, self.level, self.border)
            decoder = Decoder(coder, grid, Glass.of(self.glass))
            needed = decoder.chunks(rows, columns)
            read = await asyncio.gather(*(place.read(*chunk, chunk_spec.prototype) for chunk in needed))
            chunks = dict(zip(needed, read, strict=True))
            pixels = await asyncio.to_thread(decoder.window, chunks, rows, columns)
            seen = Region(rows.start, columns.start, *pixels.shape[:2])
            kept = [(region_of(grid, tile), file_of(tile)) for tile in self._kept_in(rows, columns)]
            await asyncio.gather(*(self._put(place, *tile, seen, pixels, chunk_spec.prototype) for tile in kept))
            found[:, : pixels.shape[0], : pixels.shape[1]] = pixels.transpose(2, 0, 1)[window[0]]
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(found[within].copy())

    @cached_property
    def _kept(self) -> frozenset[tuple[int, int]]:
        return frozenset((int(row), int(column)) for row, column in (self.kept or {}).get("tiles", ()))

    def _kept_in(self, rows: slice, columns: slice) -> list[tuple[int, int]]:
        """The tiles of a window that something is kept of."""
        return [tile for tile in tiles_in(rows, columns, self.tile) if tile in self._kept] if self.kept else []

    async def _put(self, place: _Place, own: Region, name: str, window: Region, pixels: np.ndarray, how: Any) -> None:
        """Put what is kept of a tile into the decoded pixels of a window."""
        path = f"{place.array}/{name}"
        data = await StorePath(place.store, path).get(how)
        try:
            if data is None:
                raise Damaged("it is missing")
            await asyncio.to_thread(put_pixels, data.to_bytes(), own, window, pixels)
        except Damaged as error:
            raise InputError(f"What is kept in '{path}' is damaged: {error}; copy it again from its source.") from error


@dataclass(frozen=True)
class _Place:
    """Where a chunk lies: the array, and its number down and across."""

    store: Any
    root: str
    array: str
    row: int
    column: int

    @classmethod
    def of(cls, getter: Any) -> _Place:
        array, _, _, row, column = getter.path.rsplit("/", 4)
        root = array.rpartition("/")[0]
        return cls(getter.store, root, array, int(row), int(column))

    async def read(self, row: int, column: int, prototype: Any) -> list[bytes] | Damaged:
        path = f"{self.array}/c/0/{row}/{column}"
        data = await StorePath(self.store, path).get(prototype)
        if data is None:
            return Damaged(f"the chunk '{path}' is missing")
        try:
            return unpacked(data.to_bytes(), TILES * TILES)
        except Damaged as error:
            return Damaged(f"the chunk '{path}' is damaged ({error})")


def _absolute(part: slice, start: int, stop: int) -> slice:
    return slice(start + part.start, max(min(start + part.stop, stop), start + part.start))


def _window(selection: Any, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[Any, ...]]:
    """The smallest window of a chunk that holds a selection of Zarr, and the selection seen from its corner."""
    parts = selection if isinstance(selection, tuple) else (selection,)
    parts += (slice(None),) * (len(shape) - len(parts))
    window: list[slice] = []
    within: list[Any] = []
    for part, length in zip(parts, shape, strict=True):
        if isinstance(part, slice):
            start, stop, step = part.indices(length)
            window.append(slice(start, max(stop, start)))
            within.append(slice(0, max(stop - start, 0), step))
        else:
            where = np.asarray(part)
            low = int(where.min()) if where.size else 0
            window.append(slice(low, (int(where.max()) if where.size else 0) + 1))
            within.append(part - low if np.ndim(part) else int(where) - low)
    return tuple(window), tuple(within)
