"""Blosc chunks of Zarr, looked at before they are decoded: the library believes what their headers say.

A header that names more bytes than the chunk has makes it read beyond the memory it was given, and the process dies.
"""

from __future__ import annotations

import struct
from functools import cache
from math import prod
from typing import Any

import numcodecs
import numpy as np
import zarr
from numcodecs.blosc import Blosc
from zarr.codecs import BloscCodec

_HEADER = struct.Struct("<BBBBIII")
"""Versions of the format and of the compressor, flags, bytes of a number; bytes decoded, of a block, encoded."""
_SLACK = 8
"""Filters before the compressor may make a chunk larger, but not by more."""


def check_header(chunk: Any, expected: int | None) -> None:
    """Refuse a chunk that is not as long as its header says.

    Parameters
    ----------
    chunk : buffer
        Encoded.
    expected : int or None
        Bytes of the decoded chunk, where they are known.

    Raises
    ------
    ValueError
        In a few words.
    """
    data = memoryview(chunk).cast("B")
    if len(data) < _HEADER.size:
        raise ValueError(f"a Blosc chunk of {len(data)} bytes")
    version, _, _, size, decoded, block, encoded = _HEADER.unpack_from(data)
    if encoded != len(data):
        raise ValueError(f"a Blosc chunk of {len(data):,} bytes that says it has {encoded:,}")
    if expected is not None and decoded > _SLACK * expected:
        raise ValueError(f"a Blosc chunk that says it becomes {decoded:,} bytes, not {expected:,}")
    if version not in (1, 2) or not size or (decoded and not 0 < block <= max(decoded, size)):
        raise ValueError("a Blosc chunk whose header makes no sense")


class CheckedBlosc(Blosc):
    """The compressor of Zarr format 2."""

    codec_id = "blosc"
    expected: int | None = None
    """Bytes of a decoded chunk, once the array is known."""

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decode a chunk whose header is believable."""
        check_header(buf, self.expected)
        return super().decode(buf, out)


class CheckedBloscCodec(BloscCodec):
    """The codec of Zarr format 3."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        _check(chunk_bytes, chunk_spec)
        return super()._decode_sync(chunk_bytes, chunk_spec)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        _check(chunk_bytes, chunk_spec)
        return await super()._decode_single(chunk_bytes, chunk_spec)


def _check(chunk: Any, spec: Any) -> None:
    size = getattr(spec.dtype, "item_size", None)
    check_header(chunk.as_numpy_array(), None if size is None else size * prod(spec.shape))


@cache
def install() -> None:
    """Have Zarr decode Blosc by these, from now on and in all of this process."""
    numcodecs.register_codec(CheckedBlosc)
    zarr.registry.register_codec("blosc", CheckedBloscCodec)
    zarr.config.set({"codecs.blosc": f"{__name__}.{CheckedBloscCodec.__name__}"})


def expect(array: Any) -> None:
    """Note how large the chunks of an array of format 2 are; codecs of format 3 are told."""
    compressor = getattr(array.metadata, "compressor", None)
    if isinstance(compressor, CheckedBlosc):
        compressor.expected = prod(array.chunks) * np.dtype(array.dtype).itemsize
