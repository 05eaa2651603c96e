"""Regions share pixels as arrays do, and neighbours are found without looking at all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.near import Near
from coverslip.core.region import Region

boxes = st.builds(Region, *[st.integers(0, 12)] * 2, *[st.integers(1, 8)] * 2)


@given(boxes, boxes)
def test_what_two_regions_share_is_the_same_pixels_in_both(one: Region, other: Region) -> None:
    pixels = np.arange(400).reshape(20, 20)
    common = np.intersect1d(pixels[one.slices], pixels[other.slices])
    shared = one.shared(other)
    assert (shared is None) == (not len(common))
    if shared:
        for region, part in zip((one, other), shared, strict=True):
            np.testing.assert_array_equal(pixels[region.slices][part].ravel(), common)


@given(st.lists(boxes), boxes)
def test_whatever_shares_pixels_with_a_box_is_near_it(placed: list[Region], box: Region) -> None:
    near = Near[int](8)
    for number, one in enumerate(placed):
        near.add(one, number)
    assert {number for number, one in enumerate(placed) if one.shared(box)} <= set(near.around(box))


def test_a_grown_region_ends_with_the_image() -> None:
    assert Region(10, 2, 30, 40).grown(5, 100, 44) == Region(5, 0, 40, 44)
