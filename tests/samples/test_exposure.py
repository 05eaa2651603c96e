"""Each field is scaled by its own grey values."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.fields import ArrayFields
from coverslip.samples.opening.exposure import Exposure


def test_the_percentiles_become_zero_and_a_half() -> None:
    pixels = np.stack([np.arange(101.0), np.arange(101.0) * 10]).reshape(2, 1, 101).astype(np.float32)
    exposure = Exposure.of(ArrayFields([pixels]), 0, (10, 60))
    np.testing.assert_allclose(exposure.low, [10, 100])
    np.testing.assert_allclose(exposure.high, [60, 600])
    scaled = exposure.apply(pixels)
    np.testing.assert_allclose(scaled[0, 0, [0, 10, 35, 60]], [0, 0, 0.25, 0.5])
    np.testing.assert_allclose(scaled[0], scaled[1], rtol=1e-6)


def test_gain_and_offset_of_the_camera_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (1, 40, 50)).astype(np.uint16)
    brighter = (pixels * 30 + 700).astype(np.uint16)
    one, two = (Exposure.of(ArrayFields([p]), 0, (1, 99.8)).apply(p) for p in (pixels, brighter))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_flat_field_stays_flat_and_finite() -> None:
    flat = np.full((1, 30, 30), 7, np.uint8)
    assert Exposure.of(ArrayFields([flat]), 0, (1, 99.8)).apply(flat).max() == 0
    flat[0, 3, 3] = 90  # one bright pixel that no percentile sees
    scaled = Exposure.of(ArrayFields([flat]), 0, (1, 99.8)).apply(flat)
    assert scaled[0, 3, 3] == pytest.approx(0.5)


def test_a_large_field_is_looked_at_in_windows() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(100, 3000, (1, 4200, 4300)).astype(np.uint16)
    exposure = Exposure.of(ArrayFields([pixels]), 0, (1, 99.8))
    exact = Exposure.of_pixels(pixels.reshape(1, -1), (1, 99.8))
    np.testing.assert_allclose(exposure.low, exact.low, rtol=0.02)
    np.testing.assert_allclose(exposure.high, exact.high, rtol=0.01)
