"""Images are lazy: a window is read when it is asked for, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.image import Image, Window
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


def test_more_pixels_than_memory_holds_are_one_sentence_that_names_the_file() -> None:
    def reader(window: Window) -> np.ndarray:
        raise MemoryError

    image = Image("YX", (10**9, 10**9), np.dtype(np.uint16), "slide.zarr", reader)
    with pytest.raises(InputError, match=r"slide.zarr holds 2e\+09 GB of pixels .*its header is damaged"):
        image.read()
