"""Pixels of a tile as the slide has them, as a file beside the chunks, for regions that stay near-lossless.

``CSK1``, the row and the column of its corner in the tile (2 bytes each), the CRC-32 of what follows (4 bytes), all
little-endian, and a lossless JPEG XL image: RGB, and as its alpha which pixels are kept. Colours are rounded to
multiples of a step, so that few of them are different; with a step of 1 they are those of the slide.

Stored are the pixels and not what the codec loses of them: on slides, which were JPEG once, that takes a third more.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from coverslip.core import Region
from coverslip.results.slide_store.container import Damaged
from coverslip.results.slide_store.grid import Grid

_MAGIC = b"CSK1"
_HEAD = struct.Struct("<4sHHI")
_EFFORT = 7


def file_of(tile: tuple[int, int]) -> str:
    """Where the pixels of a tile, whose row and column are given, lie below its array."""
    return f"kept/{tile[0]}/{tile[1]}"


def tiles_in(rows: slice, columns: slice, side: int) -> list[tuple[int, int]]:
    """The tiles that a window has pixels of."""
    down, across = (range(s.start // side, (s.stop - 1) // side + 1) for s in (rows, columns))
    return [(row, column) for row in down for column in across]


def region_of(grid: Grid, tile: tuple[int, int]) -> Region:
    """The pixels of a tile."""
    y, x = (number * grid.tile for number in tile)
    return Region(y, x, min(grid.tile, grid.height - y), min(grid.tile, grid.width - x))


def packed_pixels(pixels: np.ndarray, mask: np.ndarray, corner: tuple[int, int], error: int) -> bytes:
    """The file of a tile.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        A part of the tile.
    mask : ndarray of bool, shape (H, W)
        Which of them are kept.
    corner : (int, int)
        Row and column of the part in the tile.
    error : int
        How many grey values a value may be off.
    """
    import imagecodecs

    step = 2 * error + 1
    rounded = (np.rint(pixels / step) * step).clip(0, 255) * mask[..., None]
    image = np.concatenate([rounded.astype(np.uint8), np.uint8(255) * mask[..., None]], axis=2)
    data = imagecodecs.jpegxl_encode(image, lossless=True, effort=_EFFORT)
    return _HEAD.pack(_MAGIC, *corner, zlib.crc32(data)) + data


def put_pixels(data: bytes, own: Region, window: Region, pixels: np.ndarray) -> None:
    """Put what a file holds in the place of decoded pixels.

    Parameters
    ----------
    data : bytes
        The file of a tile.
    own : Region
        The pixels of that tile.
    window : Region
    pixels : ndarray of uint8, shape (H, W, 3)
        Of the window; changed in place.

    Raises
    ------
    Damaged
        If the file is.
    """
    import imagecodecs

    y, x, image = _opened(data)
    kept = imagecodecs.jpegxl_decode(image)
    top, left = own.y + y, own.x + x
    rows = slice(max(top, window.y), min(top + kept.shape[0], window.stop_y))
    columns = slice(max(left, window.x), min(left + kept.shape[1], window.stop_x))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = kept[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    target = pixels[rows.start - window.y : rows.stop - window.y, columns.start - window.x : columns.stop - window.x]
    np.copyto(target, part[..., :3], where=part[..., 3:] > 0)


def check_pixels(data: bytes) -> None:
    """Refuse a file that is damaged; nothing is decoded.

    Raises
    ------
    Damaged
    """
    _opened(data)


def _opened(data: bytes) -> tuple[int, int, bytes]:
    if len(data) < _HEAD.size or data[:4] != _MAGIC:
        raise Damaged("it does not begin as such a file does")
    _, y, x, check = _HEAD.unpack_from(data)
    image = data[_HEAD.size :]
    if zlib.crc32(image) != check:
        raise Damaged("its checksum is another one")
    return y, x, image
