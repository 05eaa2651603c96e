"""TIFF in all its dialects: pages are found when the file is opened, pixels are read window by window.

tifffile finds the pages and knows the codecs. The window is put together here, from the tiles or strips it touches:
the file is open only while bytes are read, several threads may read at once, and a slide is never held whole.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import Image, Window
from coverslip.read.axes import Arrangement, arrange

# The most that one byte can become, by compression tag: a file that declares more is damaged or a bomb.
# PackBits repeats a byte 128 times from two; LZW codes stand for at most 4096 bytes; deflate gives 1032 : 1.
_LARGEST_RATIO = {1: 1, 32773: 64, 5: 4096, 8: 1032, 32946: 1032}
_ANY_RATIO = 100_000
# Below this a segment is harmless whatever it declares.
_HARMLESS = 64 << 20
# From here on it pays to decode segments in several threads (the codecs release the interpreter lock).
_THREADED = 4 << 20

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


class TiffReader:
    """Reads windows of one series. It can be pickled and used by several threads; it keeps no file open."""

    def __init__(self, path: str, series: int, level: int, arrangement: Arrangement, stack: Stack) -> None:
        self.path, self.series, self.level, self.arrangement = path, series, level, arrangement
        self._stack: Stack | None = stack

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stack": None}  # decoders are closures; another process finds the pages again

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window of the image."""
        if self._stack is None:
            with opened(self.path) as tif:
                self._stack = _stack(tif, self.path, self.series, self.level)
        stored = self.arrangement.stored_window(window)
        try:
            pixels = read_window(self._stack, stored, self.path)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(f"{error.filename} is gone since {self.path} was opened; put it back.") from error
        except Exception as error:  # every codec raises its own kind
            raise InputError(
                f"{self.path} is damaged: its pixels cannot be decoded ({_reason(error)}); "
                "copy it again from its source."
            ) from error
        return np.ascontiguousarray(self.arrangement.arrange(pixels))


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """An open `tifffile.TiffFile`; whatever fails while it is open becomes one sentence."""
    from tifffile import TiffFile

    try:
        with TiffFile(path) as tif:
            yield tif
    except InputError:
        raise
    except Exception as error:  # a damaged header can fail anywhere
        raise InputError(
            f"{path} cannot be read as a TIFF image ({_reason(error)}); copy it again from its source, "
            "or save it anew from the program that made it."
        ) from error


def open_tiff(path: Path, axes: str | None, series: int, level: int) -> Image:
    """Open one series of a TIFF file at one resolution; no pixels are read."""
    from coverslip.read.tiff_metadata import channel_names, metadata, pixel_size

    name = str(path)
    with opened(name) as tif:
        stack = _stack(tif, name, series, level)
        chosen = tif.series[series]
        letters = chosen.levels[level].get_axes(False)
        arrangement = arrange(name, letters, stack.shape, axes)
        image = Image(
            arrangement.axes,
            arrangement.shape,
            stack.dtype,
            name,
            TiffReader(name, series, level, arrangement, stack),
            pixel_size(tif, series, level),
            channel_names(tif, series, arrangement),
            metadata(tif, series),
        )
    return image


def _stack(tif: Any, path: str, series: int, level: int) -> Stack:
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
    grid = _grid(page_shape, tile_shape)
    tiles = 1 if plain is not None else prod(grid)
    pages = prod(shape[:leading])
    offsets = np.zeros((pages, tiles), np.int64)
    counts = np.zeros((pages, tiles), np.int64)
    file_of = np.full(pages, -1)
    files: list[str] = []
    tables: list[bytes | None] = [None] * pages
    for index in range(min(pages, len(chosen))):
        frame = chosen[index]
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
    return Stack(
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


def _tile_shape(page: Any) -> tuple[int, int, int]:
    if page.is_tiled:
        return int(page.tiledepth), int(page.tilelength), int(page.tilewidth)
    rows = min(max(int(page.rowsperstrip), 1), int(page.imagelength))
    return 1, rows, int(page.imagewidth)


def _grid(page_shape: tuple[int, ...], tile_shape: tuple[int, int, int]) -> tuple[int, int, int, int]:
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


def _check_end(path: str, file: str, end: int) -> None:
    size = os.path.getsize(file)
    if end > size:
        what = path if file == path else f"{path} (in {Path(file).name})"
        raise InputError(
            f"{what} is cut short: it declares {end:,} bytes but has {size:,}; copy it again from its source."
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


def read_window(stack: Stack, window: Window, path: str) -> np.ndarray:
    """Read a window of a series; dimensions as in ``stack.shape``."""
    if stack.plain is not None and stack.page_shape == stack.shape:
        pixels = _map(stack.files[0], stack.plain, int(stack.offsets[0, 0]), stack.shape, window)
    else:
        pixels = _read_pages(stack, window, path)
    if pixels.dtype != stack.dtype and stack.transform is None:
        pixels = pixels.astype(stack.dtype)
    return stack.transform(pixels) if stack.transform is not None else pixels


def _map(file: str, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...], window: Window) -> np.ndarray:
    mapped = np.memmap(file, dtype, "r", offset, shape)
    return np.array(mapped[window], dtype=dtype.newbyteorder("="))


def _read_pages(stack: Stack, window: Window, path: str) -> np.ndarray:
    outer, inner = window[: stack.leading], window[stack.leading :]
    sizes = stack.shape[: stack.leading]
    indices = [
        int(np.ravel_multi_index(where, sizes)) if where else 0
        for where in product(*(range(s.start, s.stop) for s in outer))
    ]
    for index in indices:
        if stack.file_of[index] < 0:
            raise InputError(
                f"{path} lacks page {index} of {len(stack.file_of)}, which its metadata promises; "
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


def _decode_tiles(stack: Stack, indices: list[int], part: Window, pixels: np.ndarray) -> None:
    grid = _grid(stack.page_shape, stack.tile_shape)
    touched = [range(part[0].start, part[0].stop)] + [
        range(s.start // t, ceil(s.stop / t)) for s, t in zip(part[1:4], stack.tile_shape, strict=True)
    ]
    tiles = [int(np.ravel_multi_index(where, grid)) for where in product(*touched)]
    jpeg = {"jpegheader": stack.header} if stack.header is not None else {}

    def encoded() -> Iterator[tuple[int, int, bytes | None]]:
        for number, index in enumerate(indices):
            with open(stack.files[stack.file_of[index]], "rb") as file:
                for tile in tiles:
                    offset, count = int(stack.offsets[index, tile]), int(stack.counts[index, tile])
                    if offset > 0 and count > 0:
                        file.seek(offset)
                        yield number, tile, file.read(count)
                    else:
                        yield number, tile, None

    def place(item: tuple[int, int, bytes | None]) -> None:
        number, tile, data = item
        tables = stack.tables[indices[number]]
        options = {**jpeg, "jpegtables": tables} if tables is not None else jpeg
        decoded, start, shape = stack.decode(data, tile, **options)
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
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            for _ in pool.map(place, encoded()):
                pass


def _reason(error: BaseException) -> str:
    """The reason in a few words: the first line of a library's message."""
    text = str(error).strip().splitlines()
    return text[0].rstrip(".")[:160] if text else type(error).__name__
