"""Where the pixels of a TIFF file lie, and whether they can be there at all; no pixels are read."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.memory import free_memory
from coverslip.io.images.ome_xml import declared_planes
from coverslip.io.images.tiff_bits import unpacked_by_rows
from coverslip.io.reasons import reason

# The most that one byte can become, by compression tag: a file that declares more is damaged or a bomb.
# PackBits repeats a byte 128 times from two; LZW codes stand for at most 4096 bytes; deflate gives 1032 : 1.
_LARGEST_RATIO = {1: 1, 32773: 64, 5: 4096, 8: 1032, 32946: 1032}
_ANY_RATIO = 100_000
# Below this a segment is harmless whatever it declares.
_HARMLESS = 64 << 20
_MOST_TAGS = 4096
# Without a handler, the remarks of tifffile on damaged files would be printed beside our one sentence.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Stack:
    """Where the pixels of one series at one resolution lie: plain numbers, the file is closed.

    Parameters
    ----------
    shape : tuple of int
        Of the series as stored, no dimension left out.
    leading : int
        How many of the dimensions count pages; the rest lie within a page.
    page_shape, tile_shape : tuple of int
        Planar samples, depth, rows, columns, samples of a page; depth, rows, columns of a tile or strip.
    files, file_of : tuple of str, ndarray (pages,)
        The files, and which of them each page is in; -1: the page is missing.
    offsets, counts : ndarray (pages, tiles)
        Where each tile begins and how many bytes it takes. 0: not stored, so all `fill`.
    plain : numpy.dtype or None
        Set if a page (or, where `leading` is 0, the whole series) lies uncompressed in one piece: how to map it.
    black : int or None
        Set if 0 is white: the number that is black.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    leading: int
    page_shape: tuple[int, ...]
    tile_shape: tuple[int, int, int]
    files: tuple[str, ...]
    file_of: np.ndarray
    offsets: np.ndarray
    counts: np.ndarray
    plain: np.dtype[Any] | None
    decode: Callable[..., Any]
    tables: tuple[bytes | None, ...]
    header: bytes | None
    fill: float
    transform: Callable[[np.ndarray], np.ndarray] | None
    black: int | None = None


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """An open `tifffile.TiffFile`; whatever fails while it is open becomes one sentence."""
    from tifffile import TiffFile

    try:
        with TiffFile(path) as tif:
            _check_chain(path, tif)
            yield tif
    except InputError:
        raise
    except Exception as error:  # a damaged header can fail anywhere
        raise InputError(
            f"{path} cannot be read as a TIFF image ({reason(error)}); copy it again from its source, "
            "or save it anew from the program that made it."
        ) from error


def find_stack(tif: Any, path: str, series: int, level: int) -> Stack:
    """Find the pages of one series at one resolution, and check that the file can hold what it declares.

    Raises
    ------
    InputError
        Cut short, declaring more than it can hold, without that series or level, or of an unsupported kind.
    """
    check_planes(path, declared_planes(tif))  # before tifffile makes a list of them
    every = tif.series
    if not every:
        raise InputError(f"{path} holds no image; it may be cut short, so copy it again from its source.")
    if not 0 <= series < len(every):
        raise InputError(f"{path} has no image {series}: it holds {len(every)}, counted from 0; choose another series.")
    levels = every[series].levels
    if not 0 <= level < len(levels):
        raise InputError(f"{path} has no level {level}: it has {len(levels)}, counted from 0; choose another level.")
    chosen = levels[level]
    page = chosen.keyframe
    if not page.imagewidth or not page.imagelength:
        raise InputError(f"{path} holds no pixels; it was cut short while it was written, so write it once more.")
    dtype = np.dtype(chosen.dtype) if chosen.dtype is not None else None
    if dtype is None or dtype.kind not in "biuf" or page.dtype is None:
        raise InputError(
            f"{path} holds pixels of a kind that is not supported ({dtype}); save it with integers or floats."
        )
    shape = tuple(int(n) for n in chosen.get_shape(False))
    if 0 in shape or 0 in page.shaped:
        raise InputError(f"{path} holds no pixels: its shape is {shape}; export the image again.")
    stored = np.dtype(page.parent.byteorder + page.dtype.char)
    transform = chosen.transform
    whole = chosen.dataoffset
    common: dict[str, Any] = {
        "dtype": dtype,
        "shape": shape,
        "decode": page.decode,
        "header": page.jpegheader,
        "fill": page.nodata,
        "transform": transform,
        "black": black_number(page),
    }
    if whole is not None:
        _check_end(path, path, whole + prod(shape) * stored.itemsize)
        return Stack(
            **common,
            leading=0,
            page_shape=shape,
            tile_shape=(1, 1, 1),
            files=(path,),
            file_of=np.zeros(1, np.int64),
            offsets=np.array([[whole]]),
            counts=np.array([[prod(shape) * stored.itemsize]]),
            plain=stored,
            tables=(None,),
        )
    page_shape = tuple(int(n) for n in page.shaped)
    leading = _leading(path, shape, page_shape)
    plain = stored if page.is_final else None
    tile_shape = _tile_shape(page)
    grid = grid_of(page_shape, tile_shape)
    tiles = 1 if plain is not None else prod(grid)
    pages = prod(shape[:leading])
    check_planes(path, pages)
    offsets = np.zeros((pages, tiles), np.int64)
    counts = np.zeros((pages, tiles), np.int64)
    file_of = np.full(pages, -1)
    files: list[str] = []
    tables: list[bytes | None] = [None] * pages
    for index, frame in enumerate(islice(chosen, pages)):
        if frame is None:
            continue
        file = str(Path(frame.parent.filehandle.path))
        if file not in files:
            files.append(file)
        if len(frame.dataoffsets) < tiles or len(frame.databytecounts) < tiles:
            raise InputError(
                f"{path} is damaged: page {index} lists {len(frame.dataoffsets)} of its {tiles} strips or tiles; "
                "copy it again from its source."
            )
        file_of[index] = files.index(file)
        offsets[index] = frame.dataoffsets[:tiles]
        counts[index] = frame.databytecounts[:tiles]
        tables[index] = frame.jpegtables
    if plain is not None:
        counts[:] = prod(page_shape) * stored.itemsize
        counts[file_of < 0] = 0
    for number, file in enumerate(files):
        mine = file_of == number
        _check_end(path, file, int((offsets[mine] + counts[mine]).max()))
    if plain is None:
        _check_believable(path, page, tile_shape, page_shape, dtype, counts)
    stack = Stack(
        **common,
        leading=leading,
        page_shape=page_shape,
        tile_shape=tile_shape,
        files=tuple(files),
        file_of=file_of,
        offsets=offsets,
        counts=counts,
        plain=plain,
        tables=tuple(tables),
    )
    if int(page.compression) == 1 and page.bitspersample == 1:
        stack = unpacked_by_rows(stack, page)
    if stack.plain is None:
        _check_memory(path, stack)
    return stack


def black_number(page: Any) -> int | None:
    """The number that is black, where 0 is white; None where more is brighter.

    Of one bit the numbers are true and false, whichever is white: masks are written so.
    """
    if int(page.photometric) != 0 or page.dtype is None or page.dtype.kind != "u" or page.bitspersample == 1:
        return None
    return int(2 ** int(page.bitspersample) - 1)


def _check_chain(path: str, tif: Any) -> None:
    """Refuse pages that lead back to an earlier one: tifffile would follow them for ever, or leave pages out."""
    form, file = tif.tiff, tif.filehandle
    order: Any = "little" if form.byteorder == "<" else "big"
    seen: set[int] = set()
    file.seek(8 if form.is_bigtiff else 4)
    offset = int.from_bytes(file.read(form.offsetsize), order)
    while 0 < offset < file.size:
        if offset in seen:
            raise InputError(
                f"{path} is damaged: after page {len(seen) - 1} an earlier one is named again; copy it again from its "
                "source."
            )
        seen.add(offset)
        file.seek(offset)
        tags = int.from_bytes(file.read(form.tagnosize), order)
        if tags > _MOST_TAGS:
            return  # tifffile ends here, too
        file.seek(tags * form.tagsize, os.SEEK_CUR)
        offset = int.from_bytes(file.read(form.offsetsize), order)


def _tile_shape(page: Any) -> tuple[int, int, int]:
    if page.is_tiled:
        return int(page.tiledepth), int(page.tilelength), int(page.tilewidth)
    rows = min(max(int(page.rowsperstrip), 1), int(page.imagelength))
    return 1, rows, int(page.imagewidth)


def grid_of(page_shape: tuple[int, ...], tile_shape: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """How many tiles a page has: planar samples, depth, rows, columns."""
    planes, *space, _ = page_shape
    down, rows, columns = (ceil(n / t) for n, t in zip(space, tile_shape, strict=True))
    return planes, down, rows, columns


def _leading(path: str, shape: tuple[int, ...], page_shape: tuple[int, ...]) -> int:
    """How many of the dimensions count pages."""
    inner = [n for n in page_shape if n > 1]
    # The smallest number of trailing dimensions that holds a page; a leading 1 may as well count pages.
    for leading in range(len(shape), -1, -1):
        if [n for n in shape[leading:] if n > 1] == inner and len(shape) - leading >= 2:
            return leading
    raise InputError(f"{path} lays out its pages in an unusual way ({shape} in pages of {page_shape}); save it anew.")


def check_planes(path: str, planes: int) -> None:
    """Refuse more planes than a file can hold."""
    # Each plane takes an entry in the file, so this only stops what would fill the memory with lists.
    if planes > max(1_000_000, os.path.getsize(path)):
        raise InputError(
            f"{path} declares {planes:,} planes, more than its {os.path.getsize(path):,} bytes can hold; "
            "it is damaged, so copy it again from its source."
        )


def _check_end(path: str, file: str, end: int) -> None:
    size = os.path.getsize(file)
    if end > size:
        what = path if os.path.samefile(file, path) else f"{path} (in {Path(file).name})"
        raise InputError(
            f"{what} is cut short: it declares {end:,} bytes but has {size:,}; copy it again from its source."
        )


def _check_memory(path: str, stack: Stack) -> None:
    """Refuse what could only be decoded all at once."""
    size = prod(stack.tile_shape) * stack.page_shape[-1] * stack.dtype.itemsize
    if size > max(_HARMLESS, free_memory() // 2):
        raise InputError(
            f"{path} is compressed in pieces of {size / 1e9:.3g} GB, for which there is too little memory; save it as "
            "a tiled TIFF, of which parts are read."
        )


def _check_believable(
    path: str,
    page: Any,
    tile_shape: tuple[int, int, int],
    page_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    counts: np.ndarray,
) -> None:
    """Refuse what would take gigabytes to decode and cannot be there."""
    size = (
        prod(tile_shape)
        * page_shape[-1]
        * dtype.itemsize
        * int(getattr(page, "bitspersample", 8) or 8)
        // max(8 * dtype.itemsize, 1)
    )
    if size <= _HARMLESS:
        return
    most = int(counts.max()) * _LARGEST_RATIO.get(int(page.compression), _ANY_RATIO)
    if size > most:
        declared = prod(page_shape) * dtype.itemsize
        raise InputError(
            f"{path} declares {declared / 1e9:.3g} GB of pixels that its {os.path.getsize(path):,} bytes cannot hold; "
            "it is damaged, so copy it again from its source."
        )
