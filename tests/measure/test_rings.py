"""Rings around nuclei and nuclei grown to cells: hand-worked values, and scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.segmentation import expand_labels

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.measure import grow_labels, ring_table
from coverslip.measure.objects import runs

# Two dots with three columns between them, and one that is shut in by its neighbour.
LABELS = np.zeros((3, 9), np.uint16)
LABELS[1, [1, 5]] = 3, 8
GREY = np.arange(27, dtype=np.uint16).reshape(3, 9)


def test_a_ring_begins_at_the_outline_and_leaves_out_other_objects() -> None:
    table = ring_table(LABELS, GREY, ("DAPI",), ring=1)
    # Above, below, left and right of each dot, in steps of the row above and below.
    assert table["ring_area_px"].tolist() == [4, 4]
    assert table["DAPI_ring_sum"].tolist() == [4 * 10, 4 * 14]
    assert (table["DAPI_ring_min"].tolist(), table["DAPI_ring_max"].tolist()) == ([1, 5], [19, 23])
    both = ring_table(LABELS, GREY, ("DAPI",), ring=2)
    # The pixel in the middle is as near to both, so it is of one of them, and no pixel is counted twice.
    assert both["ring_area_px"].sum() == np.count_nonzero(expand_labels(LABELS, 2)) - 2


def test_a_cell_is_the_nucleus_and_what_it_grows_into() -> None:
    table = ring_table(LABELS, np.stack([GREY, 2 * GREY]), ("DAPI", "Actin"), grow=1)
    assert table["cell_area_px"].tolist() == [5, 5]
    assert table["DAPI_cell_mean"].tolist() == [10, 14]
    assert table["Actin_cell_sum"].tolist() == [100, 140]
    assert not any("ring" in name for name in table)


def test_distances_in_micrometres_follow_the_size_of_a_pixel() -> None:
    size = PixelSize(0.5, 1.0)
    table = ring_table(LABELS, ring=0.5, pixel_size=size, unit="um")
    assert table["ring_area_px"].tolist() == [2, 2]  # above and below; left and right are 1 µm away
    assert table["ring_area_um2"].tolist() == [1, 1]
    with pytest.raises(InputError, match="does not say how large its pixels are"):
        ring_table(LABELS, ring=0.5, unit="um")


def test_an_object_without_room_has_no_ring() -> None:
    shut = np.array([[2, 2, 2], [2, 1, 2], [2, 2, 2]])
    table = ring_table(shut, np.ones((3, 3)), ring=4)
    assert table["ring_area_px"].tolist() == [0, 0]
    assert np.isnan(table["intensity_ring_mean"]).all()
    assert ring_table(np.zeros((3, 3), int), np.ones((3, 3)), ring=4)["intensity_ring_mean"].shape == (0,)


def test_a_large_image_grows_some_rows_at_a_time_as_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.zeros((1200, 40), np.int32)
    places = np.random.default_rng(0).integers(0, 1200 * 40, 60)
    labels.ravel()[places] = np.arange(1, 61)
    labels[:500] = 0
    monkeypatch.setattr(runs, "_STRIP", 1)
    np.testing.assert_array_equal(grow_labels(labels, 7.5) > 0, expand_labels(labels, 7.5) > 0)


@pytest.mark.parametrize("distance", [-1.0, float("nan"), float("inf")])
def test_a_distance_that_cannot_be_is_refused(distance: float) -> None:
    with pytest.raises(InputError, match="cannot grow"):
        ring_table(LABELS, ring=distance)
