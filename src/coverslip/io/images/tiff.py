"""TIFF in all its dialects: pages are found when the file is opened, pixels are read window by window.

tifffile finds the pages and knows the codecs. The window is put together here, from the tiles or strips it touches:
the file is open only while bytes are read, several threads may read at once, and a slide is never held whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, Window
from coverslip.core.cores import cores
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.images.decoded import DECODED
from coverslip.io.images.inventory import Inventory
from coverslip.io.images.ome_xml import declared_planes
from coverslip.io.images.tiff_calibration import pixel_size
from coverslip.io.images.tiff_metadata import channel_names, metadata
from coverslip.io.images.tiff_pages import Stack, check_planes, find_stack, grid_of, opened
from coverslip.io.images.tiff_series import is_positions, tiff_inventory
from coverslip.io.reasons import reason

# From here on it pays to decode segments in several threads (the codecs release the interpreter lock).
_THREADED = 4 << 20
# Strips and tiles above this many bytes are decoded once, not for every window.
_LARGE = 16 << 20


class TiffReader:
    """Reads windows of one series. It can be pickled and used by several threads; it keeps no file open."""

    def __init__(self, path: str, series: int, level: int, arrangement: Arrangement, stack: Stack) -> None:
        self.path, self.series, self.level, self.arrangement = path, series, level, arrangement
        self._stack: Stack | None = stack

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stack": None}  # decoders are closures; another process finds the pages again

    @property
    def stack(self) -> Stack:
        """Where the pixels lie."""
        if self._stack is None:
            with opened(self.path) as tif:
                self._stack = find_stack(tif, self.path, self.series, self.level)
        return self._stack

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window of the image."""
        stored = self.arrangement.stored_window(window)
        try:
            pixels = read_window(self.stack, stored, self.path)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(f"{error.filename} is gone since {self.path} was opened; put it back.") from error
        except Exception as error:  # every codec raises its own kind
            raise InputError(
                f"{self.path} is damaged: its pixels cannot be decoded ({reason(error)}); "
                "copy it again from its source."
            ) from error
        return np.ascontiguousarray(self.arrangement.arrange(pixels))


def open_tiff(path: Path, axes: str | None, series: int | str | None, level: int) -> Image:
    """Open one series of a TIFF file at one resolution; no pixels are read."""
    name = str(path)
    with opened(name) as tif:
        check_planes(name, declared_planes(tif))  # before tifffile makes a list of them
        inventory = tiff_inventory(tif)
        index = inventory.find(name, series)
        fixed: tuple[tuple[int, int], ...] = ()
        chosen = index
        if is_positions(tif):
            chosen = _position(name, index, len(inventory.series))
            fixed = ((tif.series[0].get_axes(False).index("R"), index),)
        stack = find_stack(tif, name, chosen, level)
        letters = tif.series[chosen].levels[level].get_axes(False)
        shape = [1 if d == fixed[0][0] else n for d, n in enumerate(stack.shape)] if fixed else stack.shape
        arrangement = replace(arrange(name, letters, shape, axes), fixed=fixed)
        image = Image(
            arrangement.axes,
            arrangement.shape,
            stack.dtype,
            name,
            TiffReader(name, chosen, level, arrangement, stack),
            pixel_size(tif, chosen, level, arrangement.axes),
            channel_names(tif, chosen, arrangement),
            {
                **metadata(tif, chosen),
                "index": index,
                "images": len(inventory.images),
                **({} if stack.black is None else {"black": stack.black}),
            },
        )
    return image


def inventory_of_tiff(path: Path) -> Inventory:
    """Which images a TIFF file holds."""
    name = str(path)
    with opened(name) as tif:
        check_planes(name, declared_planes(tif))
        return tiff_inventory(tif)


def _position(path: str, index: int, count: int) -> int:
    """The series that holds all positions, if there is the one asked for."""
    if not 0 <= index < count:
        raise InputError(f"{path} has no image {index}: it holds {count}, counted from 0; choose another series.")
    return 0


def read_window(stack: Stack, window: Window, path: str) -> np.ndarray:
    """Read a window of a series; dimensions as in ``stack.shape``."""
    if stack.plain is not None and stack.page_shape == stack.shape:
        pixels = _map(stack.files[0], stack.plain, int(stack.offsets[0, 0]), stack.shape, window)
    else:
        pixels = _read_pages(stack, window, path)
    if pixels.dtype != stack.dtype and stack.transform is None:
        pixels = pixels.astype(stack.dtype)
    pixels = stack.transform(pixels) if stack.transform is not None else pixels
    return pixels if stack.black is None else stack.black - pixels


def _map(file: str, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...], window: Window) -> np.ndarray:
    mapped = np.memmap(file, dtype, "r", offset, shape)
    return np.array(mapped[window], dtype=dtype.newbyteorder("="))


def _read_pages(stack: Stack, window: Window, path: str) -> np.ndarray:
    outer, inner = window[: stack.leading], window[stack.leading :]
    sizes = stack.shape[: stack.leading]
    indices = np.arange(prod(sizes)).reshape(sizes)[outer].ravel()
    missing = indices[stack.file_of[indices] < 0]
    if missing.size:
        raise InputError(
            f"{path} lacks page {missing[0]} of {len(stack.file_of)}, which its metadata promises; "
            "put the files of the set in one folder, or select the planes that are there."
        )
    part = _page_window(stack, inner)
    lengths = tuple(s.stop - s.start for s in part)
    pixels = np.empty((len(indices), *lengths), stack.dtype)
    if stack.plain is not None:
        for target, index in zip(pixels, indices, strict=True):
            file = stack.files[stack.file_of[index]]
            target[...] = _map(file, stack.plain, int(stack.offsets[index, 0]), stack.page_shape, part)
    else:
        _decode_tiles(stack, indices, part, pixels)
    return pixels.reshape(tuple(s.stop - s.start for s in window))


def _page_window(stack: Stack, inner: Window) -> Window:
    """The window in the five dimensions of a page."""
    lengths = stack.shape[stack.leading :]
    parts = iter([part for part, n in zip(inner, lengths, strict=True) if n > 1])
    return tuple(next(parts) if n > 1 else slice(0, 1) for n in stack.page_shape)


def _decode_tiles(stack: Stack, indices: np.ndarray, part: Window, pixels: np.ndarray) -> None:
    grid = grid_of(stack.page_shape, stack.tile_shape)
    touched = [range(part[0].start, part[0].stop)] + [
        range(s.start // t, ceil(s.stop / t)) for s, t in zip(part[1:4], stack.tile_shape, strict=True)
    ]
    tiles = [int(np.ravel_multi_index(where, grid)) for where in product(*touched)]
    jpeg = {"jpegheader": stack.header} if stack.header is not None else {}

    piece = prod(stack.tile_shape) * stack.page_shape[-1] * stack.dtype.itemsize
    large = piece > _LARGE

    def encoded() -> Iterator[tuple[int, int, bytes | None]]:
        for number, index in enumerate(indices):
            with open(stack.files[stack.file_of[index]], "rb") as file:
                for tile in tiles:
                    offset, count = int(stack.offsets[index, tile]), int(stack.counts[index, tile])
                    if offset > 0 and count > 0 and not large:
                        file.seek(offset)
                        yield number, tile, file.read(count)
                    else:
                        yield number, tile, None

    def decoded_once(index: int, tile: int, options: dict[str, Any]) -> np.ndarray | None:
        file, offset, count = stack.files[stack.file_of[index]], stack.offsets[index, tile], stack.counts[index, tile]
        if offset <= 0 or count <= 0:
            return None
        facts = os.stat(file)
        key = (file, facts.st_mtime_ns, facts.st_size, int(offset))

        def decode() -> np.ndarray:
            with open(file, "rb") as opened:
                opened.seek(offset)
                return np.asarray(stack.decode(opened.read(count), tile, **options)[0])

        return DECODED.get(key, piece, decode)

    def place(item: tuple[int, int, bytes | None]) -> None:
        number, tile, data = item
        tables = stack.tables[indices[number]]
        options = {**jpeg, "jpegtables": tables} if tables is not None else jpeg
        decoded, start, shape = stack.decode(data, tile, **options)
        if large:
            decoded = decoded_once(int(indices[number]), tile, options)
        extent = (1, *(shape if decoded is None else decoded.shape))
        source, target = [], []
        for first, n, wanted in zip(start, extent, part, strict=True):
            low, high = max(first, wanted.start), min(first + n, wanted.stop)
            source.append(slice(low - first, max(high, low) - first))
            target.append(slice(low - wanted.start, max(high, low) - wanted.start))
        pixels[number][tuple(target)] = stack.fill if decoded is None else decoded[None][tuple(source)]

    if pixels.nbytes < _THREADED or len(tiles) * len(indices) == 1:
        for item in encoded():
            place(item)
    else:
        with ThreadPoolExecutor(min(cores(), 8)) as pool:
            for _ in pool.map(place, encoded()):
                pass
