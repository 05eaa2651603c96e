from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from coverslip.classical.touching import basins, join_shallow, passes

PARTS = arrays(np.int32, (6, 7), elements=st.integers(0, 4))
HEIGHTS = arrays(np.float32, (6, 7), elements=st.floats(0, 8, width=16))


def test_passes_are_the_best_places_to_cross() -> None:
    labels = np.array([[1, 1, 2], [1, 0, 2], [3, 3, 0]])
    landscape = np.array([[9.0, 4.0, 6.0], [5.0, 0.0, 7.0], [2.0, 8.0, 0.0]])
    one, other, height = passes(labels, landscape)
    assert list(zip(one.tolist(), other.tolist(), height.tolist(), strict=True)) == [(1, 2, 4.0), (1, 3, 2.0)]


@given(PARTS, HEIGHTS)
def test_passes_agree_with_looking_at_every_pair_of_pixels(labels: np.ndarray, landscape: np.ndarray) -> None:
    best: dict[tuple[int, int], float] = {}
    for y, x in np.ndindex(labels.shape):
        for v, u in ((y + 1, x), (y, x + 1)):
            if v < labels.shape[0] and u < labels.shape[1]:
                a, b = sorted((int(labels[y, x]), int(labels[v, u])))
                if 0 < a < b:
                    best[a, b] = max(best.get((a, b), -1), min(landscape[y, x], landscape[v, u]))
    one, other, height = passes(labels, landscape)
    assert dict(zip(zip(one.tolist(), other.tolist(), strict=True), height.tolist(), strict=True)) == best


def dumbbell(neck: int) -> np.ndarray:
    """Two squares of 11 pixels, joined by a bar of a given width."""
    mask = np.zeros((15, 40), bool)
    mask[2:13, 2:13] = mask[2:13, 24:35] = True
    mask[7 - neck // 2 : 7 - neck // 2 + neck, 13:24] = True
    return mask


def test_parts_are_joined_where_the_neck_between_them_is_wide() -> None:
    for neck, expected in ((3, 2), (9, 1)):
        mask = dumbbell(neck)
        landscape = ndimage.distance_transform_edt(mask)
        labels, heights = basins(landscape, mask, 5)
        joined = join_shallow(labels, landscape, heights, 0.7)
        assert len(np.unique(joined[mask])) == expected
        np.testing.assert_array_equal(joined > 0, mask)


PEAK_TOO_NEAR = np.full((6, 7), 3, np.float32)  # the 4 lies in a part whose own peak is 3
PEAK_TOO_NEAR[0, 0], PEAK_TOO_NEAR[2, 0], PEAK_TOO_NEAR[3, 1:3] = 0, 6, (5, 4)


@given(HEIGHTS, st.floats(0, 1))
@example(PEAK_TOO_NEAR, 0.0)
def test_joining_never_divides_and_is_complete_at_nought(landscape: np.ndarray, neck: float) -> None:
    mask = landscape > 2
    labels, heights = basins(landscape, mask, 1)
    joined = join_shallow(labels, landscape, heights, neck)
    pairs = np.unique(np.stack([labels[mask], joined[mask]]), axis=1)
    assert len(np.unique(pairs[0])) == pairs.shape[1]  # each part goes to one whole
    whole = join_shallow(labels, landscape, heights, 0)
    count = ndimage.label(labels > 0)[1]
    assert len(np.unique(whole[whole > 0])) == count
    apart = join_shallow(labels, landscape, heights, 1.01)
    np.testing.assert_array_equal(apart, labels)
