"""The bytes of a chunk: the streams of its tiles one after the other, each with a checksum, and where each begins.

``CSL1``, the number of tiles (2 bytes; 0: all of them are glass), the length of each stream (4 bytes; 0: glass), the
CRC-32 of all this (4 bytes), the streams. Numbers are little-endian, tiles are in reading order.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_MAGIC = b"CSL1"
_COUNT = struct.Struct("<H")
_CHECK = struct.Struct("<I")


class Damaged(ValueError):
    """What is wrong with a chunk or a tile, in a few words."""


def packed(streams: Sequence[bytes]) -> bytes:
    """A chunk.

    Parameters
    ----------
    streams : sequence of bytes
        Those of all tiles in reading order, empty for glass.
    """
    kept = streams if any(streams) else ()
    head = _MAGIC + _COUNT.pack(len(kept)) + b"".join(len(stream).to_bytes(4, "little") for stream in kept)
    return head + _CHECK.pack(zlib.crc32(head)) + b"".join(kept)


def unpacked(chunk: bytes, count: int) -> list[bytes]:
    """The streams of a chunk; those of glass are empty.

    Parameters
    ----------
    chunk : bytes
    count : int
        How many tiles it should have.

    Raises
    ------
    Damaged
        If it is no chunk, or its head was changed. A chunk that is cut short gives the streams that are whole; the
        rest fail by their own checksums.
    """
    if chunk[:4] != _MAGIC:
        raise Damaged("it does not begin as a chunk does")
    if len(chunk) < 10:
        raise Damaged("it is cut short")
    (tiles,) = _COUNT.unpack_from(chunk, 4)
    if tiles not in (0, count):
        raise Damaged(f"it has {tiles} tiles in place of {count}")
    start = 6 + 4 * tiles
    if len(chunk) < start + 4 or zlib.crc32(chunk[:start]) != _CHECK.unpack_from(chunk, start)[0]:
        raise Damaged("the checksum of its head is another one")
    if not tiles:
        return [b""] * count
    lengths = struct.unpack_from(f"<{tiles}I", chunk, 6)
    streams, at = [], start + 4
    for length in lengths:
        stream = chunk[at : at + length]
        # What was cut away must not look like glass.
        streams.append(stream if len(stream) == length else b"cut short")
        at += length
    return streams
