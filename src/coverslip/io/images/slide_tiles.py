"""Windows of slides in tiles of colour: the file is read where the tiles lie, and they are put side by side as decoded.

The general reader turns every window into channels first. A reader of slides asks for thousands of small ones and wants
colours last, as they are stored; so this one neither turns nor copies what it need not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import ceil
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.cores import cores
from coverslip.io.images.tiff_pages import Stack, grid_of
from coverslip.io.reasons import reason

_THREADED = 4
"""From so many tiles on it pays to decode them in several threads: the codecs release the interpreter lock."""


def in_colour_tiles(stack: Stack) -> bool:
    """Whether a level is one page of compressed tiles with the colours of each pixel together."""
    return (
        stack.leading == 0
        and stack.plain is None
        and stack.transform is None
        and stack.black is None
        and len(stack.shape) == 3
        and stack.shape == stack.page_shape[2:]
        and len(stack.files) == 1
        and stack.tile_shape[2] < stack.shape[1]
    )


def read_colour(stack: Stack, rows: slice, columns: slice, path: str) -> np.ndarray:
    """Pixels ``(H, W, C)`` of a window.

    Raises
    ------
    InputError
        If the file is gone or the tiles are damaged.
    """
    _, height, width = stack.tile_shape
    across = grid_of(stack.page_shape, stack.tile_shape)[3]
    places = [
        (y, x)
        for y in range(rows.start // height, ceil(rows.stop / height))
        for x in range(columns.start // width, ceil(columns.stop / width))
    ]
    options: dict[str, Any] = {}
    if stack.header is not None:
        options["jpegheader"] = stack.header
    if stack.tables[0] is not None:
        options["jpegtables"] = stack.tables[0]

    def decoded(item: tuple[int, bytes | None]) -> np.ndarray | None:
        tile, data = item
        found = stack.decode(data, tile, **options)[0]
        return None if found is None else found[0]

    try:
        encoded = list(_encoded(stack, [y * across + x for y, x in places]))
        if len(places) == 1:
            tiles = [decoded(encoded[0])]
        elif len(places) < _THREADED or cores() == 1:
            tiles = list(map(decoded, encoded))
        else:
            tiles = list(_pool().map(decoded, encoded))
    except FileNotFoundError as error:
        raise InputError(f"{path} is gone since it was opened; put it back.") from error
    except Exception as error:  # every codec raises its own kind
        raise InputError(
            f"{path} is damaged: its pixels cannot be decoded ({reason(error)}); copy it again from its source."
        ) from error
    size = rows.stop - rows.start, columns.stop - columns.start
    if len(places) == 1 and tiles[0] is not None and size == tiles[0].shape[:2]:
        return tiles[0]
    pixels = np.empty((*size, stack.shape[2]), stack.dtype)
    for (y, x), tile in zip(places, tiles, strict=True):
        own_rows, to_rows = _shared(y * height, height, rows)
        own_columns, to_columns = _shared(x * width, width, columns)
        pixels[to_rows, to_columns] = stack.fill if tile is None else tile[own_rows, own_columns]
    return pixels


def _encoded(stack: Stack, tiles: list[int]) -> Iterator[tuple[int, bytes | None]]:
    file = os.open(stack.files[0], os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        for tile in tiles:
            offset, count = int(stack.offsets[0, tile]), int(stack.counts[0, tile])
            if offset <= 0 or count <= 0:
                yield tile, None
                continue
            os.lseek(file, offset, os.SEEK_SET)
            yield tile, os.read(file, count)
    finally:
        os.close(file)


def _shared(start: int, length: int, wanted: slice) -> tuple[slice, slice]:
    """Where a tile and a window lie over each other along an axis: in the tile, and in the window."""
    low, high = max(start, wanted.start), min(start + length, wanted.stop)
    return slice(low - start, high - start), slice(low - wanted.start, high - wanted.start)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(cores(), 8), thread_name_prefix="tiles")
