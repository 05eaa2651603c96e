"""Targets say what they should of each pixel, and perfect ones give their labels back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coverslip.measure import match, overlap
from coverslip.methods.unet.decoding import decode, without_small
from coverslip.methods.unet.targets import CHANNELS, OFFSET_UNIT, Separation, emphasis, targets

from .blobs import blob_fields

KINDS: tuple[Separation, ...] = ("distance", "boundary", "offset")


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_channel_is_the_foreground(kind: Separation) -> None:
    mask = blob_fields(1).labels(0)
    found = targets(mask, kind)
    assert found.shape == (CHANNELS[kind], *mask.shape)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], mask > 0)
    assert not found[1:, mask == 0].any()


def test_distance_is_that_to_the_border_of_each_object_alone_up_to_four_pixels() -> None:
    mask = np.zeros((14, 34), np.int32)
    mask[1:12, 2:13], mask[1:12, 13:19] = 1, 2  # a square of 11 that touches a rectangle of 11 x 6
    found = targets(mask, "distance")[1]
    for number in (1, 2):
        depth = ndimage.distance_transform_edt(np.pad(mask == number, 1))[1:-1, 1:-1]
        np.testing.assert_allclose(found[mask == number], (depth.clip(0, 4) / 4)[mask == number], rtol=1e-6)
    assert (found[6, 7], found[6, 15]) == (1, 0.75)


def test_the_boundary_is_two_pixels_wide_and_runs_between_touching_objects() -> None:
    mask = np.zeros((12, 30), np.int32)
    mask[1:10, 2:11], mask[1:10, 11:20] = 1, 2
    found = targets(mask, "boundary")[1]
    np.testing.assert_array_equal(found[5, :22], [0, 0, *[1, 1, 0, 0, 0, 0, 0, 1, 1] * 2, 0, 0])


def test_offsets_point_to_the_centroid() -> None:
    mask = blob_fields(1, seed=3).labels(0)
    down, right = targets(mask, "offset")[1:] * OFFSET_UNIT
    rows, columns = np.indices(mask.shape)
    for number in np.unique(mask)[1:]:
        inside = mask == number
        np.testing.assert_allclose((rows + down)[inside], rows[inside].mean(), atol=1e-3)
        np.testing.assert_allclose((columns + right)[inside], columns[inside].mean(), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_mask_has_empty_targets_and_no_object(kind: Separation) -> None:
    found = targets(np.zeros((16, 16), np.int32), kind)
    assert not found.any()
    assert not decode(found, kind).any()


def test_a_mask_that_fills_its_field_is_one_object() -> None:
    assert targets(np.ones((16, 16), np.int32), "distance")[0].all()
    assert decode(targets(np.ones((16, 16), np.int32), "distance"), "distance").max() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_perfect_targets_give_their_objects_back(kind: Separation) -> None:
    mask = blob_fields(1, (200, 220), seed=1).labels(0)
    found = match(overlap(mask, decode(targets(mask, kind), kind)), 0.9 if kind != "boundary" else 0.7)
    assert (found.fp, found.fn) == (0, 0)


def test_a_speck_beside_a_nucleus_is_an_object_of_its_own() -> None:
    mask = np.zeros((40, 40), np.int32)
    rows, columns = np.indices(mask.shape)
    mask[(rows - 20) ** 2 + (columns - 18) ** 2 < 100] = 1
    mask[18:22, 28:32] = 2
    found = decode(targets(mask, "distance"), "distance")
    assert match(overlap(mask, found), 0.9).tp == 2


def test_small_objects_are_left_out_and_the_others_numbered_without_gaps() -> None:
    labels = np.array([[1, 1, 1, 0, 2, 0, 5, 5]])
    assert without_small(labels, 2).tolist() == [[1, 1, 1, 0, 0, 0, 2, 2]]
    assert without_small(labels, 0).tolist() == [[1, 1, 1, 0, 2, 0, 3, 3]]


def test_small_objects_and_gaps_between_objects_count_more() -> None:
    mask = np.zeros((60, 90), np.int32)
    mask[5:35, 5:35] = 1  # 900 pixels
    mask[10:30, 36:56] = 2  # 400 pixels, one pixel away
    mask[45:49, 70:75] = 3  # 20 pixels, alone
    found = emphasis(mask)
    assert found[20, 20] == found[20, 50] == found[58, 2] == 1
    assert found[20, 35] == 2  # between the two
    assert found[46, 72] == found[44, 72] == pytest.approx(20**0.5)
    assert found[40, 72] == 1
    assert (emphasis(np.zeros((5, 5), np.int32)) == 1).all()
