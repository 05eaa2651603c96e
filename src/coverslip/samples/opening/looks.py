"""What is looked at to know the grey values of a field: all of it, or of a large one windows spread evenly over it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coverslip.core import Fields, Region

_WINDOW = 512
_ALONG = 8


def looks(fields: Fields, index: int) -> Iterator[tuple[Region, np.ndarray]]:
    """The field, or 64 windows of 512 x 512 pixels of one that has more; each with its pixels ``(C, h, w)``."""
    height, width = fields.size(index)
    if height * width <= (_ALONG * _WINDOW) ** 2:
        yield Region(0, 0, height, width), fields.pixels(index)
        return
    sides = [min(_WINDOW, length) for length in (height, width)]
    ys, xs = (
        np.linspace(0, length - side, _ALONG).astype(int).tolist()
        for length, side in zip((height, width), sides, strict=True)
    )
    for y in ys:
        for x in xs:
            region = Region(y, x, *sides)
            yield region, fields.pixels(index, region)
