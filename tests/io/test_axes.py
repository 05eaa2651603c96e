"""Dimensions of files become axes of images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.image import AXES
from coverslip.io.images.axes import arrange


@st.composite
def stored_arrays(draw):
    letters = "".join(draw(st.permutations("TCZYX")))
    shape = tuple(draw(st.integers(1, 3)) for _ in letters)
    return letters, np.arange(np.prod(shape)).reshape(shape)


@settings(deadline=None, max_examples=40)
@given(stored_arrays())
def test_each_pixel_keeps_its_coordinates(stored):
    letters, array = stored
    found = arrange("a.tif", letters, array.shape)
    image = found.arrange(array)
    assert image.shape == found.shape
    assert all(n > 1 for a, n in zip(found.axes, found.shape, strict=True) if a not in "YX")
    expected = array.transpose([letters.index(a) for a in AXES])
    assert np.array_equal(image, expected.reshape(found.shape))


@settings(deadline=None, max_examples=40)
@given(stored_arrays(), st.data())
def test_a_window_of_the_file_is_the_window_of_the_image(stored, data):
    letters, array = stored
    found = arrange("a.tif", letters, array.shape)
    window = []
    for n in found.shape:
        start = data.draw(st.integers(0, n - 1))
        window.append(slice(start, data.draw(st.integers(start + 1, n))))
    part = found.arrange(array[found.stored_window(tuple(window))])
    assert np.array_equal(part, found.arrange(array)[tuple(window)])


def test_samples_of_a_colour_image_are_channels():
    assert arrange("a.tif", "YXS", (4, 5, 3)).axes == "CYX"
    assert arrange("a.tif", "CYXS", (1, 4, 5, 3)).shape == (3, 4, 5)


def test_an_image_of_one_pixel_keeps_rows_and_columns():
    assert arrange("a.tif", "TCZYX", (1, 1, 1, 1, 1)).shape == (1, 1)


def test_axes_said_win_over_those_of_the_file():
    assert arrange("a.tif", "ZYX", (3, 4, 5), "CYX").axes == "CYX"
    assert arrange("a.tif", "TZCYX", (1, 1, 3, 4, 5), "zyx").axes == "ZYX"
    assert arrange("a.tif", "QQQ", (4, 5, 3), "YXC").shape == (3, 4, 5)


@pytest.mark.parametrize("axes", ["YX", "CZYX", "CCYX", "ABYX", "CZY", "", "C Y"])
def test_axes_that_do_not_fit_are_refused(axes):
    with pytest.raises(InputError, match=r"a\.tif") as caught:
        arrange("a.tif", "CYX", (3, 4, 5), axes)
    assert str(caught.value).endswith("Y and X among them.")


def test_pages_of_unknown_meaning_are_refused_with_what_to_say():
    with pytest.raises(InputError) as caught:
        arrange("a.tif", "QYX", (3, 4, 5))
    assert "a.tif has 3 entries" in str(caught.value)
    assert "axes='CYX' or axes='ZYX' or axes='TYX'" in str(caught.value)


def test_two_channel_axes_are_refused():
    with pytest.raises(InputError, match="two of which are channels"):
        arrange("a.tif", "CYXS", (2, 4, 5, 3))
