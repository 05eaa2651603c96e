"""Crops with known structure: discs of two sizes on a dark ground, with noise."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.samples import ArraySamples


def discs(n: int, shape: tuple[int, int, int] = (2, 16, 16), seed: int = 0) -> ArraySamples:
    rng = np.random.default_rng(seed)
    c, h, w = shape
    rows, columns = np.mgrid[:h, :w]
    large = np.arange(n) % 2
    radius = np.where(large, 0.4, 0.2) * min(h, w)
    centre = np.array([h, w]) / 2 + rng.uniform(-1, 1, (n, 2))
    distance = np.hypot(rows - centre[:, :1, None], columns - centre[:, 1:, None])
    inside = distance < radius[:, None, None]
    pixels = 200 + 3000 * inside[:, None] * rng.uniform(0.7, 1, (n, c, 1, 1)) + rng.normal(0, 50, (n, c, h, w))
    labels = np.where(large, "large", "small")
    return ArraySamples(pixels.astype(np.uint16), {"image": np.array([f"disc {i}" for i in range(n)]), "label": labels})


@pytest.fixture(scope="session")
def disc_samples() -> ArraySamples:
    return discs(60)
