"""The background of a field is found under its objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.fields import ArrayFields
from coverslip.core.region import Region
from coverslip.samples.opening import background as module
from coverslip.samples.opening.background import Background


def surface(height: int, width: int, offset: float, down: float, across: float, bend: float) -> np.ndarray:
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return offset + down * y + across * x + bend * (x**2 + y**2)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(150, 400),
    st.integers(150, 400),
    st.floats(50, 2000),
    st.floats(-30, 30),
    st.floats(-30, 30),
    st.floats(-20, 20),
)
def test_a_gradient_is_found_to_a_fraction_of_the_noise(
    height: int, width: int, offset: float, down: float, across: float, bend: float
) -> None:
    true = surface(height, width, offset, down, across, bend)
    rng = np.random.default_rng(0)
    pixels = true + rng.normal(0, 5, true.shape)
    found = Background.of_pixels(pixels)
    assert found.noise == pytest.approx(5, rel=0.1)
    assert np.abs(found.on() - true).max() < 4


def test_objects_on_a_third_of_the_field_do_not_lift_it() -> None:
    true = surface(300, 400, 160, 10, -8, 5)
    rng = np.random.default_rng(1)
    pixels = true + rng.normal(0, 4, true.shape)
    y, x = np.mgrid[:300, :400]
    objects = np.zeros(true.shape, bool)
    for cy, cx in rng.uniform((0, 0), (300, 400), (90, 2)):
        objects |= (y - cy) ** 2 + (x - cx) ** 2 < 13**2
    assert objects.mean() > 0.3
    pixels[objects] += 500
    assert np.abs(Background.of_pixels(pixels).on() - true).mean() < 3


def test_a_region_is_cut_from_the_whole() -> None:
    found = Background.of_pixels(surface(200, 260, 100, 7, 3, 2))
    np.testing.assert_allclose(found.on(Region(30, 40, 50, 60)), found.on()[30:80, 40:100], rtol=1e-5)


def test_windows_of_a_large_field_say_the_same_as_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    true = surface(3200, 3300, 160, 20, -8, 5)
    pixels = np.rint(true + np.random.default_rng(2).normal(0, 5, true.shape)).astype(np.uint16)
    whole = Background.of(ArrayFields([pixels]), 0)
    monkeypatch.setattr(module, "_WHOLE", 0)
    assert np.abs(Background.of(ArrayFields([pixels]), 0).on() - whole.on()).max() < 1


def test_rounded_grey_values_have_the_noise_of_rounding() -> None:
    flat = Background.of_pixels(np.full((64, 64), 7, np.uint8))
    assert flat.noise == pytest.approx(12**-0.5)
    np.testing.assert_allclose(flat.on(), 7, atol=0.5)


def test_a_tiny_image_has_a_flat_one() -> None:
    found = Background.of_pixels(np.full((5, 6), 40.0))
    np.testing.assert_allclose(found.on(), 40)
