"""A decomposition made by hand: overlapping discs on a gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.core.decomposition import Decomposition
from coverslip.core.image import PixelSize

DISCS = [(12, 14, 8), (15, 22, 7), (30, 33, 6), (2, 40, 5)]
"""Row and column of the centre, and radius: the first two overlap, the border cuts the last."""


def decomposition_of_discs(
    discs: Sequence[tuple[float, float, float]] = DISCS,
    size: tuple[int, int] = (40, 48),
    source: str = "field.tif",
    pixel_size: PixelSize | None = None,
) -> tuple[Decomposition, np.ndarray]:
    """A decomposition into discs, and the image of which it leaves a little unexplained."""
    y, x = np.mgrid[: size[0], : size[1]]
    background = (100 + x + 0.1 * y).astype(np.float32)
    labels = np.zeros(size, np.int32)
    rows, masks, pixels = [], [], []
    for number, (cy, cx, radius) in enumerate(discs, 1):
        disc = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
        labels[disc & (labels == 0)] = number
        inside = np.ix_(disc.any(axis=1), disc.any(axis=0))
        masks.append(disc[inside])
        pixels.append(np.where(disc, 50 * number + 0.3 * y, 0)[inside].astype(np.float32))
        rows.append((number, y[disc].mean(), x[disc].mean(), y[disc].min(), x[disc].min(), disc.sum()))
    count = len(rows)
    names = ("object", "y_px", "x_px", "top_px", "left_px", "area_px")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    objects = {name: np.array(column) for name, column in zip(names, columns, strict=True)} | {
        "pass": np.arange(count) // 3,
        "round": np.arange(count) % 3,
        "gain": np.linspace(900, 100, count, dtype=np.float32),
        "confidence": np.linspace(0.99, 0.4, count),
        "generator": np.zeros(count, np.int64),
    }
    rounds = {
        "pass": np.array([0, 0]),
        "round": np.array([0, 1]),
        "proposals": np.array([count + 3, 5]),
        "accepted": np.array([count, 0]),
        "loss": np.array([3.5, 3.25]),
        "explained": np.array([0.9, 0.91]),
    }
    found = Decomposition(
        source, labels, objects, tuple(masks), tuple(pixels), background, rounds, pixel_size, {"seed": 1}
    )
    left = np.random.default_rng(0).integers(-3, 4, size)
    return found, np.rint(found.internal + left).astype(np.uint16)
