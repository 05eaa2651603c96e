"""Fields of bright ellipses on a dark ground, some touching, with their true labels."""

from __future__ import annotations

import numpy as np

from coverslip.core.fields import ArrayFields


def blob_fields(count: int, size: tuple[int, int] = (96, 112), *, channels: int = 1, seed: int = 0) -> ArrayFields:
    rng = np.random.default_rng(seed)
    drawn = [_field(size, channels, rng) for _ in range(count)]
    return ArrayFields([image for image, _ in drawn], [mask for _, mask in drawn])


def _field(size: tuple[int, int], channels: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros(size, np.int32)
    for number in range(1, 1 + height * width // 700):
        y, x, angle = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0, np.pi)
        a, b = rng.uniform(6, 10), rng.uniform(5, 8)
        along = (rows - y) * np.cos(angle) + (columns - x) * np.sin(angle)
        across = (columns - x) * np.cos(angle) - (rows - y) * np.sin(angle)
        inside = (along / a) ** 2 + (across / b) ** 2 < 1
        if not (inside & (mask > 0)).any():
            mask[inside] = number
    bright = 300 + 2000 * (mask > 0) * rng.uniform(0.6, 1, (channels, 1, 1)) + rng.normal(0, 60, (channels, *size))
    return bright.clip(0, 65535).astype(np.uint16), mask
