"""Images are lazy: a window is read when it is asked for, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.core.region import Region

PIXELS = np.arange(2 * 3 * 20 * 30).reshape(2, 3, 20, 30)


@given(st.integers(0, 18), st.integers(0, 28), st.data())
def test_a_crop_of_a_crop_is_the_crop_of_both(y: int, x: int, data: st.DataObject) -> None:
    image = Image.from_array(PIXELS, "CZYX")
    outer = Region(y, x, data.draw(st.integers(1, 20 - y)), data.draw(st.integers(1, 30 - x)))
    dy, dx = data.draw(st.integers(0, outer.height - 1)), data.draw(st.integers(0, outer.width - 1))
    inner = Region(dy, dx, outer.height - dy, outer.width - dx)
    found = image.crop(outer).select(C=1).crop(inner).read()
    np.testing.assert_array_equal(found, PIXELS[1, :, y + dy : outer.stop_y, x + dx : outer.stop_x])


def test_only_the_window_asked_for_is_read() -> None:
    asked = []

    def reader(window: tuple[slice, ...]) -> np.ndarray:
        asked.append(window)
        return PIXELS[window]

    image = Image("CZYX", PIXELS.shape, PIXELS.dtype, "a.tif", reader)
    part = image.select(Z=2).crop(Region(4, 5, 6, 7))
    assert asked == []
    assert part.read().shape == (2, 6, 7)
    assert asked == [(slice(0, 2), slice(2, 3), slice(4, 10), slice(5, 12))]


@pytest.mark.parametrize("axes", ["YX", "ZCYX", "CZXY", "AZYX"])
def test_axes_that_do_not_fit_are_refused(axes: str) -> None:
    with pytest.raises(InputError, match=r"a\.tif"):
        Image.from_array(PIXELS, axes, source="a.tif")


def test_a_region_over_the_border_is_refused() -> None:
    image = Image.from_array(PIXELS, "CZYX", source="a.tif")
    with pytest.raises(InputError, match="over the border of an image of 20 x 30 pixels"):
        image.crop(Region(-1, 0, 5, 5))


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(1, 40), st.integers(1, 40))
def test_a_region_around_a_point_is_centred_on_it(y: float, x: float, height: int, width: int) -> None:
    centre = Region.around(y, x, height, width).centre
    assert abs(centre[0] - y) <= 0.5 + 1e-9
    assert abs(centre[1] - x) <= 0.5 + 1e-9


@given(st.lists(st.integers(-10, 10), min_size=4, max_size=4), st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_regions_meet_in_the_pixels_that_both_hold(corners: list[int], sizes: list[int]) -> None:
    a, b = Region(*corners[:2], *sizes[:2]), Region(*corners[2:], *sizes[2:])

    def held(r: Region) -> set[tuple[int, int]]:
        return {(y, x) for y in range(r.y, r.stop_y) for x in range(r.x, r.stop_x)}

    both = a.intersect(b)
    assert (held(both) if both else set()) == held(a) & held(b)
