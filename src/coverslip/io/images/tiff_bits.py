"""TIFF images of one bit per pixel that are not compressed: rows are found by counting bytes, wherever strips end."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from coverslip.io.images.tiff_pages import Stack

# Bytes that are unpacked at once.
_PIECE = 256 << 10


def unpacked_by_rows(stack: Stack, page: Any) -> Stack:
    """The same pages in pieces of few rows: programs write an image of any size as a single strip.

    Pages that do not lie in one piece stay as they are.
    """
    planes, depth, height, width, samples = stack.page_shape
    row = ceil(width / 8)
    follow = (np.diff(stack.offsets, axis=1) == stack.counts[:, :-1]).all() and (
        stack.counts.sum(axis=1) == row * height
    )
    if page.is_tiled or (planes, depth, samples) != (1, 1, 1) or not np.all(follow) or (stack.offsets[:, 0] <= 0).any():
        return stack
    each = max(1, min(_PIECE // row, height))
    first = np.arange(0, height, each)
    order: Any = "little" if page.fillorder == 2 else "big"

    def decode(data: bytes | None, index: int, **_: Any) -> tuple[np.ndarray | None, tuple[int, ...], tuple[int, ...]]:
        shape = 1, min(each, height - int(first[index])), width, 1
        start = 0, 0, int(first[index]), 0, 0
        if data is None:
            return None, start, shape
        packed = np.frombuffer(data, np.uint8).reshape(-1, row)
        return np.unpackbits(packed, axis=1, count=width, bitorder=order).view(bool).reshape(shape), start, shape

    return replace(
        stack,
        tile_shape=(1, each, width),
        offsets=stack.offsets[:, :1] + first * row,
        counts=np.broadcast_to(np.minimum(each, height - first) * row, (len(stack.offsets), len(first))),
        decode=decode,
    )
