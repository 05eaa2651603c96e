"""Three boxes of light on a slope, explained, and a fourth that was forgotten."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core.decomposition import Decomposition
from coverslip.core.image import PixelSize
from coverslip.measure import unexplained_regions
from coverslip.results.decomposition.replays import Replay, draw_replay

HEIGHT, WIDTH = 60, 80

PLACES = [(8, 10, 12, 14), (16, 18, 12, 14), (36, 50, 10, 20)]
"""Row, column, height and width of three objects; the second overlaps the first by four rows and six columns."""

LIGHT = (100.0, 80.0, 60.0)
FORGOTTEN = slice(40, 50), slice(8, 22)


def decomposition(size: tuple[int, int] = (HEIGHT, WIDTH)) -> tuple[Decomposition, np.ndarray]:
    """Three boxes of light on a slope, found in two rounds, and the error image: noise and a box that was forgotten."""
    rng = np.random.default_rng(0)
    background = np.linspace(20, 30, size[1], dtype=np.float32) * np.ones((size[0], 1), np.float32)
    masks = tuple(np.ones((h, w), bool) for _, _, h, w in PLACES)
    masks[0][0, 0] = False
    pixels = tuple(np.where(mask, np.float32(light), np.float32(0)) for mask, light in zip(masks, LIGHT, strict=True))
    labels = np.zeros(size, np.int32)
    for number, (y, x, h, w) in enumerate(PLACES, 1):
        box = labels[y : y + h, x : x + w]
        box[masks[number - 1] & (box == 0)] = number
    objects = {
        "object": np.arange(1, 4),
        "y_px": np.array([13.5, 21.5, 40.5]),
        "x_px": np.array([16.5, 24.5, 59.5]),
        "top_px": np.array([8, 16, 36]),
        "left_px": np.array([10, 18, 50]),
        "area_px": np.array([167, 168, 200]),
        "pass": np.array([0, 0, 1]),
        "round": np.array([0, 0, 0]),
        "gain": np.array([15_000.0, 5_000.0, 10_000.0]),
        "confidence": np.array([0.9, 0.8, 0.75]),
        "generator": np.array([0, 0, 1]),
    }
    rounds = {
        "pass": np.array([0, 1]),
        "round": np.array([0, 0]),
        "proposals": np.array([4, 2]),
        "accepted": np.array([2, 1]),
        "loss": np.array([6.0, 2.0]),
        "explained": np.array([0.4, 0.8]),
    }
    error = rng.normal(0, 1, size).astype(np.float32)
    error[FORGOTTEN] += 40
    result = Decomposition(
        "a.tif", labels, objects, masks, pixels, background, rounds, PixelSize(0.5, 0.5), {"method": "by hand"}
    )
    return result, error


def replay(row: int = 0, **options: Any) -> Replay:
    result, error = decomposition()
    options = {"name": f"image {row}.tif", "note": f"note {row}", **options}
    return draw_replay(result, error, unexplained_regions(error), row=row, **options)
