"""A level of a slide, chunk by chunk, into streams."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Region, resident_memory, track
from coverslip.core.cores import cores
from coverslip.results.slide_store.container import packed
from coverslip.results.slide_store.decoder import Glass
from coverslip.results.slide_store.grid import TILES, Grid
from coverslip.samples.slides.tissue import Tissue, shrunk

FACTOR = 4
"""How many times smaller each level is than the one before: beside the first, the others take about a fifteenth."""
_IN_MEMORY = 512 << 20
_FIXED, _PER_CHUNK = 800 << 20, 320 << 20
"""Bytes that Python and its libraries take, at least, and that a chunk does while it is encoded."""

Read = Callable[[Region], np.ndarray]
"""Pixels ``(H, W, 3)`` of a region of a level."""


@dataclass
class Counted:
    """What became of a level: tiles of tissue and of glass, and the bytes of each."""

    tiles: int = 0
    glass: int = 0
    bytes: int = 0
    glass_bytes: int = 0


def with_border(read: Read, region: Region, height: int, width: int) -> np.ndarray:
    """Pixels of a region that may reach over the border, beyond which the outermost go on."""
    inside = Region(
        max(region.y, 0),
        max(region.x, 0),
        min(region.stop_y, height) - max(region.y, 0),
        min(region.stop_x, width) - max(region.x, 0),
    )
    pixels = read(inside)
    before = inside.y - region.y, inside.x - region.x
    after = region.stop_y - inside.stop_y, region.stop_x - inside.stop_x
    if not any((*before, *after)):
        return pixels
    return np.pad(pixels, ((before[0], after[0]), (before[1], after[1]), (0, 0)), mode="edge")


def level_region(grid: Grid, row: int, column: int, around: int) -> Region:
    """What a chunk is made from: its pixels, as far as positions of latents go, and what lies around them."""
    bottom, right = (n * grid.side for n in grid.positions)
    y, x = row * grid.chunk, column * grid.chunk
    height, width = min(grid.chunk, bottom - y), min(grid.chunk, right - x)
    return Region(y - around, x - around, height + 2 * around, width + 2 * around)


def at_once(memory: int | None) -> int:
    """How many chunks are encoded at once within some memory, bytes.

    Raises
    ------
    InputError
        If it is too little for one.
    """
    if memory is None:
        return cores()
    fixed = max(_FIXED, resident_memory())
    if memory < fixed + _PER_CHUNK:
        raise InputError(
            f"{memory / 1e9:.1f} GB of memory are too little to compress a slide; give it at least "
            f"{ceil((fixed + _PER_CHUNK) / 1e8) / 10:.1f} GB (--max-ram)."
        )
    return min(cores(), (memory - fixed) // _PER_CHUNK)


def encode_level(
    coder: Any,
    grid: Grid,
    read: Read,
    tissue: Tissue,
    folder: Path,
    smaller: np.ndarray | None,
    words: str,
    threads: int,
) -> Counted:
    """Write the chunks of a level.

    Parameters
    ----------
    coder : Coder of the method
    grid : Grid
    read : callable
        Pixels of the level.
    tissue : Tissue
        Says which tiles are glass.
    folder : Path
        Of the array.
    smaller : ndarray of uint8, shape (H, W, 3), or None
        Where the next level goes.
    words : str
        What is said of the progress.
    threads : int
        Chunks at once.
    """
    places = [(row, column) for row in range(grid.chunks[0]) for column in range(grid.chunks[1])]

    def encode(place: tuple[int, int]) -> Counted:
        return _chunk(coder, grid, read, tissue, folder, smaller, *place)

    total = Counted()
    with ThreadPoolExecutor(min(threads, len(places))) as pool:
        for found in track(pool.map(encode, places), words, total=len(places)):
            total.tiles += found.tiles
            total.glass += found.glass
            total.bytes += found.bytes
            total.glass_bytes += found.glass_bytes
    return total


def _chunk(
    coder: Any, grid: Grid, read: Read, tissue: Tissue, folder: Path, smaller: np.ndarray | None, row: int, column: int
) -> Counted:
    around = coder.around
    region = level_region(grid, row, column, around)
    pixels = with_border(read, region, grid.height, grid.width)
    own = pixels[around : around + grid.chunk, around : around + grid.chunk]
    own = own[: grid.height - row * grid.chunk, : grid.width - column * grid.chunk]
    if smaller is not None:
        less = shrunk(own, FACTOR)
        y, x = row * grid.chunk // FACTOR, column * grid.chunk // FACTOR
        smaller[y : y + less.shape[0], x : x + less.shape[1]] = less[: smaller.shape[0] - y, : smaller.shape[1] - x]
    counted = Counted()
    glass = {place: tissue.is_glass(_tile(own, grid, *place)) for place in _places() if _tile(own, grid, *place).size}
    latents = None if all(glass.values()) else coder.latents(pixels)
    margin = around // grid.side
    streams = []
    for place in _places():
        if place not in glass:
            streams.append(b"")  # beyond the border
        elif glass[place]:
            counted.glass += 1
            counted.glass_bytes += 4
            streams.append(b"")
        else:
            assert latents is not None
            size = grid.size(row * TILES + place[0], column * TILES + place[1])
            top, left = (margin + i * grid.per_tile for i in place)
            stream, _ = coder.encode(latents[:, top : top + size[0], left : left + size[1]])
            counted.tiles += 1
            streams.append(stream)
    data = packed(streams)
    counted.bytes = len(data)
    target = folder / "c" / "0" / str(row) / str(column)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return counted


def _places() -> Iterator[tuple[int, int]]:
    for row in range(TILES):
        for column in range(TILES):
            yield row, column


def _tile(pixels: np.ndarray, grid: Grid, row: int, column: int) -> np.ndarray:
    tile = grid.tile
    return pixels[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]


def glass_of(coder: Any, tissue: Tissue) -> Glass:
    """What empty glass becomes: its colour, and the latents amid it."""
    colour = np.full(3, 243, np.uint8) if tissue.glass is None else tissue.glass
    side = 12 * coder.side
    _, decoded = coder.encode(coder.latents(np.broadcast_to(colour, (side, side, 3))))
    return Glass(colour, decoded[:, 6, 6])


def scratch(height: int, width: int, folder: Path, memory: int | None) -> np.ndarray:
    """Room for the pixels of a level: in memory, or, where there is too little, in a file without a name."""
    shape = (height, width, 3)
    if int(np.prod(shape)) <= (_IN_MEMORY if memory is None else _PER_CHUNK // 8):
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
