"""PNG, JPEG and other pictures that Pillow reads.

They have no parts that could be read alone, so the pictures read last stay decoded.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, Window
from coverslip.core.memory import free_memory
from coverslip.io.images.appearance import orientation, shown_mode, turned
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.images.decoded import DECODED
from coverslip.io.reasons import reason

# Deflate gives at most 1032 : 1; a JPEG block of 8 x 8 x 3 takes at least a few bits. More is damaged or a bomb.
_LARGEST_RATIO = 2000
_HARMLESS = 64 << 20
_JPEG_2000 = b"\xff\x4f\xff\x51"
_PLUGINS = (
    (b"\x89PNG", "Png"),
    (b"\xff\xd8", "Jpeg"),
    (b"GIF8", "Gif"),
    (b"RIFF", "WebP"),
    (b"BM", "Bmp"),
    (b"P", "Ppm"),
    (b"\0\0\0\x0cjP", "Jpeg2K"),
    (_JPEG_2000, "Jpeg2K"),
)

_CHANNELS = {
    "L": ("grey",),
    "LA": ("grey", "alpha"),
    "RGB": ("red", "green", "blue"),
    "RGBA": ("red", "green", "blue", "alpha"),
}


@dataclass(frozen=True)
class _Header:
    """What a picture says of itself.

    `mode`: as Pillow calls it after a palette is expanded; `deep`: 16-bit PNG; `turn`: its orientation in EXIF.
    """

    height: int
    width: int
    mode: str
    deep: bool
    dtype: np.dtype[Any]
    turn: int = 1

    @property
    def samples(self) -> int:
        return len(_CHANNELS.get(self.mode, "1"))

    @property
    def shape(self) -> tuple[int, ...]:
        """As viewers show it: rows, columns, and samples where there are several."""
        size = (self.width, self.height) if self.turn > 4 else (self.height, self.width)
        return (*size, self.samples) if self.samples > 1 else size

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


class PictureReader:
    """Reads windows of a picture. It can be pickled and used by several threads."""

    def __init__(self, path: str, arrangement: Arrangement, opaque: bool) -> None:
        self.path, self.arrangement, self.opaque = path, arrangement, opaque

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window."""
        pixels = _decoded(self.path)
        if self.opaque:
            pixels = pixels[..., :-1]
        pixels = pixels.reshape(pixels.shape[:2] + pixels.shape[2:] * (self.arrangement.stored == 3))
        return np.ascontiguousarray(self.arrangement.arrange(pixels[self.arrangement.stored_window(window)]))


def open_picture(path: Path, axes: str | None) -> Image:
    """Open a PNG, JPEG, JPEG 2000, BMP, GIF, WebP, AVIF or PNM."""
    name = str(path)
    header = _header(name)
    alpha = header.mode.endswith("A")
    opaque = alpha and _is_opaque(_decoded(name), header)
    samples = header.samples - opaque
    shape = header.shape[:2] + ((samples,) if samples > 1 else ())
    arrangement = arrange(name, "YXS"[: len(shape)], shape, axes)
    channels = _CHANNELS.get(header.mode, ())[:samples] if samples > 1 and "C" in arrangement.axes else ()
    return Image(
        arrangement.axes,
        arrangement.shape,
        header.dtype,
        name,
        PictureReader(name, arrangement, opaque),
        None,
        channels,
        {"format": "picture", "mode": header.mode},
    )


def palette_indices(path: Path) -> np.ndarray | None:
    """The indices of a palette PNG (label images are stored so), or None for any other picture."""
    with _pillow(str(path)) as picture:
        return np.array(picture) if picture.mode == "P" else None


def _pillow(path: str) -> Any:
    # The plugin classes, not PIL.Image.open: that one warns of large pictures and refuses larger ones, by number of
    # pixels alone. What a file can hold is checked in `_header`.
    from importlib import import_module

    with open(path, "rb") as file:
        start = file.read(12)
    name = next((name for magic, name in _PLUGINS if start.startswith(magic)), "Avif")
    try:
        return getattr(import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")(path)
    except Exception as error:  # a damaged header can fail anywhere
        raise InputError(f"{path} is a damaged picture ({reason(error)}); copy it again from its source.") from error


def _header(path: str) -> _Header:
    with _pillow(path) as picture:
        width, height = picture.size
        mode, turn = shown_mode(picture), orientation(picture)
        bands = len(picture.getbands())
        if picture.format == "PNG":
            _check_png_end(path)
        _check_one(path, picture)
    with open(path, "rb") as file:
        start = file.read(4096)
    deep = start.startswith(b"\x89PNG") and start[24] == 16
    if deep:  # Pillow has no 16-bit colour and would cut it down to 8 bits
        mode = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}.get(start[25], mode)
    elif (siz := start.find(_JPEG_2000)) >= 0 and len(start) > siz + 42:  # likewise
        deep = start[siz + 42] & 127 > 7
        mode = "L" if mode.startswith("I") else mode
    elif mode == "I":  # a PGM above 255
        deep, mode = True, "L"
    if mode not in {"1", "L", "LA", "RGB", "RGBA"}:
        raise InputError(f"{path} has colours of the kind {mode}, made for printing; save it as RGB or grey.")
    dtype = np.dtype(np.uint16 if deep else bool if mode == "1" else np.uint8)
    header = _Header(height, width, mode, deep, dtype, turn)
    bits = start[24] if start.startswith(b"\x89PNG") else 16 if deep else 1 if mode == "1" else 8
    declared = height * -(-width * bands * bits // 8)  # as the file packs them
    if declared > max(_HARMLESS, _LARGEST_RATIO * os.path.getsize(path)):
        raise InputError(
            f"{path} declares {declared / 1e9:.3g} GB of pixels that its {os.path.getsize(path):,} bytes cannot hold; "
            "it is damaged, so copy it again from its source."
        )
    if header.nbytes > max(_HARMLESS, free_memory() // 2):  # decoders hold it twice
        raise InputError(
            f"{path} holds {header.nbytes / 1e9:.3g} GB of pixels, for which there is too little memory: pictures of "
            "this format are read whole; save it as a tiled TIFF, of which parts are read."
        )
    return header


def _check_one(path: str, picture: Any) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":
        raise InputError(f"{path} is an animation of {frames} pictures; save them as one TIFF stack, or each alone.")
    if picture.format == "PPM" and picture.mode == "RGB" and picture.tile[0][0] == "ppm":
        # Pillow would cut them down to 8 bits.
        raise InputError(f"{path} is a PPM of more or less than 8 bits per colour; save it as TIFF or PNG.")


def _check_png_end(path: str) -> None:
    """Follow the chunks to the last one, so that a file cut short is found before its pixels are needed."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            end = file.seek(length + 4, os.SEEK_CUR)
            if end <= size and kind == b"IEND":
                return
            if end > size:
                break
    raise InputError(f"{path} is cut short: its end is missing; copy it again from its source.")


def _decoded(path: str) -> np.ndarray:
    """All pixels of a picture, as viewers show it: (rows, columns) or (rows, columns, samples)."""
    try:
        facts = os.stat(path)
    except OSError as error:
        raise InputError(f"{path} is gone since it was opened; put it back.") from error
    key = (path, facts.st_mtime_ns, facts.st_size)
    header = _header_then(*key)
    return DECODED.get(key, header.nbytes, lambda: _decode(path, header))


@lru_cache(maxsize=1024)
def _header_then(path: str, changed: int, size: int) -> _Header:
    """The header of a file that was last changed so, read once for all windows."""
    return _header(path)


def _decode(path: str, header: _Header) -> np.ndarray:
    try:
        if header.deep:
            pixels = _deep_pixels(path)
        else:
            with _pillow(path) as picture:
                converted = picture.convert(header.mode) if picture.mode == "P" else picture
                pixels = np.array(converted)
    except InputError:
        raise
    except Exception as error:  # each library raises its own kind
        raise InputError(
            f"{path} is damaged: its pixels cannot be decoded ({reason(error)}); copy it again from its source."
        ) from error
    if pixels.ndim == 3:  # libpng makes an alpha channel of a transparent colour, which says nothing of the pixels
        pixels = pixels[..., : header.samples]
    # Samples that are not there would be an axis too many, and grey has none.
    return turned(pixels.reshape(header.height, header.width, *header.shape[2:]), header.turn)


def _deep_pixels(path: str) -> np.ndarray:
    """The pixels of a picture of 16 bits."""
    from imagecodecs import jpeg2k_decode, png_decode

    data = Path(path).read_bytes()
    if data.startswith(b"P"):
        with _pillow(path) as picture:
            return np.array(picture).astype(np.uint16)
    return np.asarray((png_decode if data.startswith(b"\x89PNG") else jpeg2k_decode)(data))


def _is_opaque(pixels: np.ndarray, header: _Header) -> bool:
    return bool((pixels[..., -1] == np.iinfo(header.dtype).max).all())
