from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.samples.cutting.cutouts import cut_out, cutouts, find_background

LABELS = arrays(np.int32, (14, 15), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 3, 7]))


def field() -> tuple[np.ndarray, np.ndarray]:
    """A bright square with a dim rim of a pixel, far from a small one, on a background of 100."""
    labels = np.zeros((20, 24), np.int32)
    labels[5:9, 6:10] = 4
    labels[14:16, 18:20] = 9
    pixels = np.full(labels.shape, 100, np.uint16)
    pixels[4:10, 5:11] = 130
    pixels[labels == 4] = 300
    pixels[labels == 9] = 180
    return pixels, labels


def test_an_object_is_what_it_adds_to_the_background_with_its_rim() -> None:
    pixels, labels = field()
    square, small = cutouts(pixels, labels, 100.0)
    assert (square.number, small.number) == (4, 9)
    assert square.corner == (3, 4)
    np.testing.assert_array_equal(square.mask, labels[3:11, 4:12] == 4)
    expected = np.zeros((8, 8), np.float32)
    expected[1:7, 1:7] = 30
    expected[1:7:5, 1:7:5] = 30 * (3 - np.sqrt(2)) / 2  # a corner is farther away, and the rim fades out
    expected[2:6, 2:6] = 200
    np.testing.assert_allclose(square.pixels, expected, rtol=1e-6)
    assert square.pixels.dtype == np.float32


def test_pixels_below_the_background_add_nothing() -> None:
    pixels, labels = field()
    background = np.full(labels.shape, 100.0)
    background[5, 6] = 400
    square = cutouts(pixels, labels, background)[0]
    assert square.pixels[2, 2] == 0
    assert square.pixels.min() == 0


def test_objects_that_others_or_the_border_disturb_are_left_out() -> None:
    labels = np.zeros((30, 40), np.int32)
    labels[0:4, 20:24] = 1  # cut by the border
    labels[2:5, 30:33] = 2  # its rim reaches the border
    labels[10:14, 10:14] = 3
    labels[10:14, 17:20] = 5  # three pixels from the last: their rims meet
    labels[20:24, 20:24] = 6
    pixels = np.ones(labels.shape, np.float32)
    assert [cut.number for cut in cutouts(pixels, labels, 0.0)] == [6]
    assert [cut.number for cut in cutouts(pixels, labels, 0.0, rim=1)] == [2, 3, 5, 6]
    assert [cut.number for cut in cutouts(pixels, labels, 0.0, alone=False)] == [1, 2, 3, 5, 6]


def test_objects_whose_rims_meet_at_a_corner_only_are_left_out() -> None:
    for turned in (False, True):
        labels = np.zeros((12, 12), np.int32)
        labels[3, 3], labels[6, 6] = 1, 2
        labels[3, 3:5], labels[6, 5:8] = 1, 2
        labels = labels[:, ::-1] if turned else labels
        assert cutouts(np.ones(labels.shape), labels, 0.0) == []


@given(LABELS, st.integers(0, 2))
def test_one_object_is_cut_out_as_among_all(labels: np.ndarray, rim: int) -> None:
    pixels = np.arange(labels.size, dtype=np.float64).reshape(labels.shape) + 1
    for cut in cutouts(pixels, labels, 0.0, rim=rim, alone=False):
        same = cut_out(pixels, labels, cut.number, 0.0, rim=rim)
        assert same.corner == cut.corner
        np.testing.assert_array_equal(same.mask, cut.mask)
        np.testing.assert_array_equal(same.pixels[cut.mask], cut.pixels[cut.mask])


@given(LABELS, st.integers(0, 2))
def test_no_light_is_given_to_two_objects(labels: np.ndarray, rim: int) -> None:
    pixels = np.ones(labels.shape)
    total = np.zeros(labels.shape)
    for cut in cutouts(pixels, labels, 0.0, rim=rim, alone=False):
        top, left = cut.corner
        total[top : top + cut.mask.shape[0], left : left + cut.mask.shape[1]] += cut.pixels
        assert (cut.pixels[cut.mask] == 1).all()
    assert total.max(initial=0) <= 1
    assert (total[labels > 0] == 1).all()


def test_objects_that_fill_a_field_are_cut_out_too() -> None:
    labels = np.ones((4, 5), np.int32)
    (whole,) = cutouts(np.full((4, 5), 7), labels, 2.0, alone=False)
    assert (whole.number, whole.corner, whole.pixels.sum()) == (1, (0, 0), 100.0)


def test_a_missing_object_is_named() -> None:
    pixels, labels = field()
    with pytest.raises(InputError, match="no object 5 in the labels"):
        cut_out(pixels, labels, 5, 100.0)
    with pytest.raises(InputError, match="one channel"):
        cutouts(pixels[None], labels, 100.0)
    with pytest.raises(InputError, match="rim is 0 pixels wide or more, not -1"):
        cutouts(pixels, labels, 100.0, rim=-1)


def slope() -> np.ndarray:
    """A background that rises from 100 to 180 across a field."""
    return np.add.outer(np.zeros(80), np.linspace(100, 180, 120))


def test_the_background_goes_on_behind_objects() -> None:
    labels = np.zeros(slope().shape, np.int32)
    labels[30:50, 50:70] = 1
    shining = slope()
    shining[27:53, 47:73] += 500
    level, free = find_background(shining, labels, gap=5)
    assert level.dtype == np.float32
    assert np.abs(level - slope())[30:50, 50:70].max() < 4
    assert not free[27:53, 47:73].any()
    assert free[:20].all()
    assert np.ptp(level[:, 60]) < 4


def test_what_nobody_labelled_is_no_background() -> None:
    noise = np.random.default_rng(0).normal(0, 2, slope().shape)
    pixels = slope() + noise
    pixels[40:46, 80:88] += 300
    level, free = find_background(pixels, np.zeros(pixels.shape, np.int32))
    assert not free[40:46, 80:88].any()
    assert free.mean() > 0.9
    assert np.abs(level - slope())[40:46, 80:88].max() < 4


def test_a_field_full_of_objects_is_taken_to_be_as_dark_as_its_darkest_pixels() -> None:
    level, free = find_background(np.arange(101.0)[None], np.ones((1, 101), np.int32))
    assert not free.any()
    np.testing.assert_allclose(level, 1.0)
