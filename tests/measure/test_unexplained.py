"""What is left in an error image is found where it lies, with its sum, and noise is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.measure import error_noise, unexplained_regions


def noise(height: int = 100, width: int = 120, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 10, (height, width)).astype(np.float32)


def test_two_forgotten_squares_are_found_where_they_lie_the_larger_sum_first() -> None:
    error = noise()
    error[20:30, 40:60] += 100
    error[70:82, 100:112] += 200
    regions = unexplained_regions(error)
    assert regions["region"].tolist() == [1, 2]
    np.testing.assert_allclose(regions["y_px"], [75.5, 24.5], atol=0.5)
    np.testing.assert_allclose(regions["x_px"], [105.5, 49.5], atol=0.5)
    np.testing.assert_allclose(regions["sum"], [144 * 200, 200 * 100], rtol=0.05)
    assert (np.abs(regions["top_px"] - [70, 20]) <= 4).all()
    assert (np.abs(regions["width_px"] - [12, 20]) <= 8).all()


def test_without_smoothing_a_region_is_exactly_the_pixels_above_the_noise() -> None:
    error = np.zeros((30, 40), np.float32)
    error[::2] = 1
    error[1::4] = -1
    error[5:10, 20:26] = 50
    regions = unexplained_regions(error, smooth=0)
    row = {name: values.tolist() for name, values in regions.items()}
    assert row["y_px"] == [7]
    assert row["x_px"] == [22.5]
    assert (row["top_px"], row["left_px"], row["height_px"], row["width_px"]) == ([5], [20], [5], [6])
    assert (row["area_px"], row["sum"]) == ([30], [1500])


def test_noise_alone_and_what_is_explained_too_much_are_no_regions() -> None:
    assert len(unexplained_regions(noise())["region"]) == 0
    error = noise()
    error[20:60, 20:60] -= 300
    assert len(unexplained_regions(error)["region"]) == 0


def test_an_image_that_is_explained_entirely_has_no_region() -> None:
    regions = unexplained_regions(np.zeros((20, 20), np.float32))
    assert {name: len(values) for name, values in regions.items()} == dict.fromkeys(regions, 0)


def test_dim_regions_stand_out_over_their_area() -> None:
    error = noise()
    error[40:64, 40:64] += 25  # two and a half times the noise of a pixel
    assert len(unexplained_regions(error, smooth=0, min_area=200)["region"]) == 0
    assert unexplained_regions(error, min_area=200)["sum"][0] == pytest.approx(24 * 24 * 25, rel=0.1)


def test_smaller_regions_than_asked_for_are_left_out() -> None:
    error = noise()
    error[10:13, 10:13] += 500
    assert len(unexplained_regions(error, min_area=200)["region"]) == 0


def test_the_noise_stays_that_of_the_ground_when_a_third_of_the_image_is_unexplained() -> None:
    error = noise(200, 200)
    error[:66] += 1000
    assert 10 < error_noise(error)[1] < 16
    assert unexplained_regions(error)["area_px"].tolist() == pytest.approx([66 * 200], rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 80), st.integers(0, 100), st.floats(0.1, 1000), st.floats(-1e3, 1e3))
def test_places_follow_the_region_and_grey_values_only_scale_the_sum(
    top: int, left: int, scale: float, offset: float
) -> None:
    error = noise()
    error[top : top + 16, left : left + 16] += 300
    region = {name: values[0] for name, values in unexplained_regions(error * np.float32(scale)).items()}
    assert region["y_px"] == pytest.approx(top + 7.5, abs=1)
    assert region["x_px"] == pytest.approx(left + 7.5, abs=1)
    assert region["sum"] == pytest.approx(scale * 300 * 256, rel=0.05)
    centre, spread = error_noise(error)
    assert error_noise(error + np.float32(offset))[0] == pytest.approx(centre + offset, abs=0.01)
    assert error_noise(error * np.float32(scale))[1] == pytest.approx(spread * scale, rel=1e-4)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (np.zeros((0, 4)), "rows and columns"),
        (np.zeros((2, 3, 4)), "rows and columns"),
        (np.full((4, 4), np.nan), "finite"),
    ],
)
def test_what_is_no_error_image_is_refused(error: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        unexplained_regions(error)


def test_blur_around_explained_objects_is_not_unexplained() -> None:
    explained, error = np.zeros((2, 80, 80), np.float32)
    explained[20:40, 20:40] = 100
    error[18:20, 20:40] = 20  # the rim of the object
    error[60:68, 60:68] = 20  # another one
    assert unexplained_regions(error, smooth=0)["region"].tolist() == [1, 2]
    found = unexplained_regions(error, explained, smooth=0)
    assert found["top_px"].tolist() == [60]
    assert found["sum"].tolist() == [64 * 20]
