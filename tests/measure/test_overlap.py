"""The table of overlaps, and the matching of objects, equal what is counted by hand and by trying everything."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.measure import THRESHOLDS, Overlap, count_matches, match, overlap

from .label_images import drawn, label_pairs
from .oracle import best_assignment, pixel_sets

TRUTH = drawn("""
    1111..
    2233..
    4444..
    555...
    ......
""")
PREDICTION = drawn("""
    1122..
    3333..
    .4444.
    ......
    5.....
""")


def rows(table: Overlap) -> list[tuple[int, int, int]]:
    ids = table.truth_ids[table.truth].tolist(), table.prediction_ids[table.prediction].tolist()
    return list(zip(*ids, table.intersection.tolist(), strict=True))


def test_the_table_holds_the_pairs_that_share_pixels_and_the_areas_of_all() -> None:
    table = overlap(TRUTH, PREDICTION)
    assert rows(table) == [(1, 1, 2), (1, 2, 2), (2, 3, 2), (3, 3, 2), (4, 4, 3)]
    assert table.truth_areas.tolist() == [4, 2, 2, 4, 3]
    assert table.prediction_areas.tolist() == [2, 2, 4, 4, 1]
    assert table.union.tolist() == [4, 4, 4, 4, 5]
    assert table.iou.tolist() == [0.5, 0.5, 0.5, 0.5, 0.6]
    assert (table.n_true, table.n_predicted, table.pixels) == (5, 5, 30)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_labels_may_be_large_of_any_type_and_with_gaps(dtype) -> None:
    names = np.array([0, 1, 7, 50, 90, 127]).astype(dtype)
    if np.iinfo(dtype).max > 1 << 20:
        names[1:] += dtype(np.iinfo(dtype).max - 200)
    table = overlap(names[TRUTH], names[::-1].copy()[5 - PREDICTION])
    assert table.truth_ids.tolist() == table.prediction_ids.tolist() == names[1:].tolist()
    np.testing.assert_array_equal(table.intersection, overlap(TRUTH, PREDICTION).intersection)


def test_masks_are_one_object() -> None:
    assert rows(overlap(TRUTH > 0, PREDICTION > 0)) == [(1, 1, 11)]


def test_an_image_of_many_blocks_is_counted_like_a_small_one() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = (np.kron(rng.integers(0, 900, (150, 30)), np.ones((9, 40), int)) for _ in range(2))
    prediction[:, 7:] = prediction[:, :-7].copy()
    assert truth.size > 1.5 * 2**20
    table = overlap(truth, prediction * 1_000_003)
    dense = np.bincount((truth * 900 + prediction).ravel(), minlength=900**2).reshape(900, 900)
    expected = [(i, 1_000_003 * j, dense[i, j]) for i, j in zip(*np.nonzero(dense), strict=True) if i and j]
    assert rows(table) == expected
    areas = dense.sum(axis=0)[1:]
    np.testing.assert_array_equal(table.prediction_areas, areas[areas > 0])


@given(label_pairs())
def test_the_table_equals_sets_of_pixels(pair) -> None:
    t, p = map(pixel_sets, pair)
    table = overlap(*pair)
    assert rows(table) == [(i, j, len(a & b)) for i, a in t.items() for j, b in p.items() if a & b]
    assert table.truth_areas.tolist() == [len(a) for a in t.values()]
    assert table.prediction_areas.tolist() == [len(b) for b in p.values()]


def test_an_object_in_two_exact_halves_is_found_once_at_an_iou_of_exactly_half() -> None:
    table = overlap(TRUTH, PREDICTION)
    found = match(table, 0.5)
    assert (found.tp, found.fp, found.fn) == (3, 2, 2)
    assert sorted(found.iou) == [0.5, 0.5, 0.6]
    assert match(table, 0.5, strict=True).iou.tolist() == [0.6]


def test_a_threshold_that_equals_the_iou_is_reached_however_it_was_computed() -> None:
    table = overlap(TRUTH, PREDICTION)
    assert 0.1 * 3 + 0.3 > 0.6  # as floats
    assert [match(table, t).tp for t in (0.6, 0.1 * 3 + 0.3, 0.600001)] == [1, 1, 0]
    for n in range(1, 21):  # n of 20 pixels
        truth = np.ones((1, 20), int)
        assert match(overlap(truth, np.arange(20)[None] < n), 0.05 * n).tp == 1


@settings(max_examples=200)
@given(label_pairs(), st.sampled_from([(1, 10), (1, 4), (1, 3), (2, 5), (1, 2), (11, 20), (3, 5), (3, 4), (1, 1)]))
def test_matching_equals_the_best_of_all_assignments(pair, ratio) -> None:
    threshold = Fraction(*ratio)
    table = overlap(*pair)
    for strict in (False, True):
        pairs, total = best_assignment(*pair, threshold, strict)
        found = match(table, float(threshold), strict=strict)
        assert (found.tp, found.fp, found.fn) == (pairs, table.n_predicted - pairs, table.n_true - pairs)
        assert found.iou.sum() == pytest.approx(float(total))
        assert len(set(found.truth)) == len(set(found.prediction)) == pairs
    assert count_matches(table, [float(threshold)]).tolist() == [best_assignment(*pair, threshold)[0]]


@given(label_pairs())
def test_counts_at_many_thresholds_are_those_at_each(pair) -> None:
    table = overlap(*pair)
    thresholds = [0.3, *THRESHOLDS, 0.1]
    assert count_matches(table, thresholds).tolist() == [match(table, t).tp for t in thresholds]


def test_thresholds_are_the_usual_ten() -> None:
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize(
    ("truth", "prediction", "complaint"),
    [
        (TRUTH, PREDICTION[:-1], "The truth has 5 x 6 pixels but the prediction 4 x 6"),
        (TRUTH / 2, PREDICTION, "The truth must be an image of whole numbers.* not float64"),
        (TRUTH, -PREDICTION, "negative label"),
        (TRUTH[:0], PREDICTION[:0], "no pixels"),
    ],
)
def test_what_are_no_label_images_of_one_size_is_refused(truth, prediction, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        overlap(truth, prediction)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.1, float("nan")])
def test_a_threshold_outside_is_refused(threshold) -> None:
    with pytest.raises(InputError, match="above 0 and at most at 1"):
        match(overlap(TRUTH, PREDICTION), threshold)
