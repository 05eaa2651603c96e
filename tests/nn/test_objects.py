"""Objects in one piece, without holes, and not cut by the border."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from coverslip.nn.objects import in_one_piece, not_at, without_holes
from coverslip.nn.tiles import paste


def random_labels(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(0, 1, (30, 34)), 1.2)
    return np.where(smooth > 0, 1 + (smooth * 40).astype(int) % 4, 0).astype(np.int32)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_the_largest_piece_of_each_object_stays(seed: int) -> None:
    labels = random_labels(seed)
    whole = in_one_piece(labels)
    assert whole.dtype == labels.dtype
    for number in np.unique(labels[labels > 0]):
        pieces, count = ndimage.label(labels == number, np.ones((3, 3)))
        left, one = ndimage.label(whole == number, np.ones((3, 3)))
        assert one == 1
        assert left.sum() == max(np.bincount(pieces.ravel(), minlength=count + 1)[1:])
        assert (labels[whole == number] == number).all()


def test_pieces_that_meet_at_a_corner_are_one() -> None:
    labels = np.zeros((6, 6), np.int32)
    labels[:2, :2] = labels[2:4, 2:4] = labels[5, 0] = 7
    np.testing.assert_array_equal(np.argwhere(labels - in_one_piece(labels)), [[5, 0]])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_holes_of_each_object_are_filled_but_not_what_others_lie_in(seed: int) -> None:
    labels = random_labels(seed)
    expected = labels.copy()
    for number in np.unique(labels[labels > 0]):
        filled = ndimage.binary_fill_holes(labels == number) & (labels != number)
        holes, _ = ndimage.label(filled)
        for hole in range(1, holes.max() + 1):
            if not labels[holes == hole].any():
                expected[holes == hole] = number
    np.testing.assert_array_equal(without_holes(labels), expected)


def test_a_bay_at_the_border_is_no_hole() -> None:
    labels = np.full((5, 5), 3, np.int32)
    labels[0, 2] = labels[2, 2] = 0
    np.testing.assert_array_equal(np.argwhere(without_holes(labels) == 0), [[0, 2]])


def test_objects_at_places_are_left_out_whole() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 2], [3, 0, 2]])
    places = np.zeros((3, 3), bool)
    places[2] = True
    np.testing.assert_array_equal(not_at(labels, places), [[1, 1, 0], [0, 0, 0], [0, 0, 0]])


def test_an_object_that_an_earlier_tile_cuts_apart_is_pasted_in_one_piece() -> None:
    canvas = np.zeros((5, 12), np.int32)
    canvas[:, 4:6] = 1
    labels = np.zeros((5, 12), np.int32)
    labels[1:4] = 1
    assert paste(canvas, labels, 2) == 1
    np.testing.assert_array_equal(canvas == 2, (labels == 1) & (np.arange(12) > 5))
