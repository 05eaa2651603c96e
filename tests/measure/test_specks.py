"""Specks count neither for a prediction nor against it."""

from __future__ import annotations

import numpy as np

from coverslip.measure.objects.specks import without_specks


def squares(*boxes: tuple[int, int, int]) -> np.ndarray:
    labels = np.zeros((40, 40), np.int32)
    for number, (y, x, side) in enumerate(boxes, 1):
        labels[y : y + side, x : x + side] = number
    return labels


def test_small_objects_of_both_sides_are_left_out() -> None:
    true, found = without_specks(squares((0, 0, 10), (20, 20, 2)), squares((0, 0, 10), (30, 5, 3)), 10)
    assert np.unique(true).tolist() == [0, 1]
    assert np.unique(found).tolist() == [0, 1]


def test_what_is_found_in_place_of_a_small_object_goes_with_it() -> None:
    true, found = without_specks(squares((5, 5, 3)), squares((5, 5, 4)), 10)  # IoU 9/16
    assert not true.any()
    assert not found.any()


def test_a_small_object_in_place_of_a_large_one_is_still_right() -> None:
    true, found = without_specks(squares((5, 5, 4)), squares((5, 5, 3)), 10)
    assert true.any()
    assert (found > 0).sum() == 9


def test_a_large_object_that_is_wrong_stays_wrong() -> None:
    true, found = without_specks(squares((5, 5, 2)), squares((5, 5, 9)), 10)
    assert not true.any()
    assert (found > 0).sum() == 81
