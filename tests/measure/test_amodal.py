from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.decomposition import COLUMNS, ROUND_COLUMNS, Decomposition
from coverslip.core.errors import InputError
from coverslip.core.results import LabelMap
from coverslip.measure import (
    AmodalMasks,
    amodal_masks,
    amodal_overlap,
    count_matches,
    evaluate_amodal,
    match,
    match_best,
    overlap,
)
from coverslip.measure.objects.amodal import overlapped

from .label_images import drawn, label_pairs

SHAPE = (7, 8)
NOTHING = AmodalMasks([], np.zeros((0, 2)), SHAPE)


def boxes(*places: tuple[int, int, int, int]) -> AmodalMasks:
    """Filled boxes: top, left, height, width."""
    return AmodalMasks([np.ones(place[2:], bool) for place in places], np.array([place[:2] for place in places]), SHAPE)


@st.composite
def some_masks(draw: st.DrawFn) -> AmodalMasks:
    """Up to four masks of up to 4 x 4 pixels, anywhere on a small image, overlapping as they like."""
    masks, corners = [], []
    for _ in range(draw(st.integers(0, 4))):
        height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        masks.append(draw(arrays(bool, (height, width))))
        corners.append((draw(st.integers(0, SHAPE[0] - height)), draw(st.integers(0, SHAPE[1] - width))))
    return AmodalMasks(masks, np.array(corners), SHAPE)


def pixel_sets(side: AmodalMasks) -> list[set[tuple[int, int]]]:
    """The pixels of each mask."""
    return [
        {(top + y, left + x) for y, x in np.argwhere(mask).tolist()}
        for mask, (top, left) in zip(side.masks, side.corners.tolist(), strict=True)
    ]


def plain_iou(truth: AmodalMasks, prediction: AmodalMasks) -> np.ndarray:
    """IoU of all pairs, one after the other."""
    t, p = pixel_sets(truth), pixel_sets(prediction)
    return np.array([[len(a & b) / max(1, len(a | b)) for b in p] for a in t]).reshape(len(t), len(p))


def all_assignments(iou: np.ndarray) -> list[list[float]]:
    """The IoU of the pairs, above 0, of every way to pair objects one for one."""
    ways = []
    for partners in product([None, *range(iou.shape[1])], repeat=iou.shape[0]):
        chosen = [partner for partner in partners if partner is not None]
        if len(set(chosen)) == len(chosen):
            values = [iou[i, partner] for i, partner in enumerate(partners) if partner is not None]
            if all(value > 0 for value in values):
                ways.append(values)
    return ways


@given(some_masks(), some_masks())
def test_shared_pixels_are_those_counted_pair_by_pair(truth: AmodalMasks, prediction: AmodalMasks) -> None:
    table = amodal_overlap(truth, prediction)
    dense = np.zeros((len(truth), len(prediction)))
    dense[table.truth, table.prediction] = table.iou
    np.testing.assert_allclose(dense, plain_iou(truth, prediction))
    np.testing.assert_array_equal(table.truth_areas, [mask.sum() for mask in truth.masks])
    assert (table.intersection > 0).all()
    assert table.pixels == 56


@given(some_masks(), some_masks())
def test_matches_are_the_best_of_all_assignments(truth: AmodalMasks, prediction: AmodalMasks) -> None:
    table = amodal_overlap(truth, prediction)
    ways = all_assignments(plain_iou(truth, prediction))
    best = match_best(table)
    np.testing.assert_allclose(best.iou.sum(), max(sum(values) for values in ways))
    assert len(set(best.truth)) == len(set(best.prediction)) == best.tp
    for threshold in (0.3, 0.5, 0.7):
        most = max(len(values) for values in ways if all(value >= threshold for value in values))
        found = match(table, threshold)
        assert found.tp == most
        assert (found.fp, found.fn) == (len(prediction) - most, len(truth) - most)
        assert count_matches(table, [threshold]).tolist() == [most]


@given(label_pairs())
def test_of_flat_labels_it_is_the_table_of_label_images(images: tuple[np.ndarray, np.ndarray]) -> None:
    flat, whole = overlap(*images), amodal_overlap(*images)
    for name in ("truth", "prediction", "intersection", "truth_areas", "prediction_areas", "pixels"):
        np.testing.assert_array_equal(getattr(flat, name), getattr(whole, name))
    assert match(flat, 0.5).tp == match(whole, 0.5).tp


def test_two_predictions_of_one_object_are_one_match() -> None:
    table = amodal_overlap(boxes((1, 1, 4, 4)), boxes((1, 1, 4, 4), (1, 1, 4, 3)))
    assert match(table, 0.5).tp == 1
    assert match(table, 0.5).iou.tolist() == [1.0]


def test_objects_under_each_other_are_both_found() -> None:
    truth = boxes((0, 0, 4, 4), (0, 2, 4, 4))
    assert match(amodal_overlap(truth, truth), 0.99).tp == 2
    seen = np.zeros(SHAPE, np.int32)
    seen[0:4, 2:6] = 2
    seen[0:4, 0:4] = 1
    best = match_best(amodal_overlap(truth, seen))
    assert dict(zip(best.truth.tolist(), best.iou.tolist(), strict=True)) == {0: 1.0, 1: 0.5}


def test_a_good_pair_is_not_given_up_for_two_bad_ones() -> None:
    truth, prediction = boxes((0, 0, 3, 3), (0, 3, 3, 3)), boxes((0, 0, 3, 4), (2, 0, 2, 1))
    table = amodal_overlap(truth, prediction)
    assert match(table, 0.05).tp == 2
    assert match_best(table).iou.tolist() == [0.75]


def test_masks_are_those_of_labels_or_of_a_decomposition() -> None:
    labels = drawn("""
        .77.
        .7.2
    """)
    found = amodal_masks(LabelMap(labels.astype(np.int32), "drawn"))
    assert found.corners.tolist() == [[1, 3], [0, 1]]
    np.testing.assert_array_equal(found.masks[1], [[True, True], [True, False]])
    full = amodal_masks(np.ones((2, 3), np.uint8))
    assert (len(full), full.masks[0].sum()) == (1, 6)
    objects = {name: np.zeros(1) for name in COLUMNS} | {"top_px": np.array([1]), "left_px": np.array([2])}
    rounds = {name: np.zeros(0) for name in ROUND_COLUMNS}
    mask = np.ones((1, 2), bool)
    light = np.zeros((2, 4), np.float32)
    result = Decomposition("drawn", labels, objects, (mask,), (light[:1, :2],), light, rounds)
    assert amodal_masks(result).corners.tolist() == [[1, 2]]
    assert amodal_overlap(result, labels).intersection.tolist() == [1]


def test_the_table_divides_objects_by_their_overlap() -> None:
    truth = boxes((0, 0, 2, 4), (3, 0, 4, 4), (3, 2, 4, 4))
    first = ("a", truth, truth, [0, 0.3, 0.31])
    second = ("b", truth, boxes((0, 0, 2, 3), (3, 0, 4, 4)), [0, 0.3, 0.8])
    found = evaluate_amodal([first, second, ("empty", NOTHING, boxes((0, 0, 1, 1)), [])])
    assert [(row.overlap, row.n, row.images) for row in found.rows] == [
        ("0", 2, 2),
        ("20 to 30 %", 2, 2),
        ("30 to 40 %", 1, 1),
        ("all", 6, 2),
    ]
    alone, covered, _, everything = found.rows
    assert (alone.iou, alone.iou_low, alone.iou_high) == (0.875, 0.75, 1.0)
    assert (covered.recall, covered.recall_low, covered.recall_high) == (1.0, 1.0, 1.0)
    assert everything.recall == 5 / 6
    assert np.isnan(found.rows[2].iou_low)
    assert (found.n_true, found.n_predicted, found.tp, found.ap50) == (6, 6, 5, 5 / 7)
    assert found.per_object["image"].tolist() == ["a"] * 3 + ["b"] * 3
    assert found.per_object["iou"].tolist() == [1, 1, 1, 0.75, 1, 0]
    assert found.records()[0]["overlap"] == "0"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="Mask 2 reaches over the border"):
        boxes((0, 0, 1, 1), (6, 7, 2, 1))
    with pytest.raises(InputError, match="1 masks, but 2 corners"):
        AmodalMasks([np.ones((1, 1), bool)], np.zeros((2, 2)), SHAPE)
    with pytest.raises(InputError, match="7 x 8 pixels but the prediction 2 x 2"):
        amodal_overlap(NOTHING, np.zeros((2, 2), int))
    with pytest.raises(InputError, match="integers"):
        amodal_masks(np.zeros((2, 2)))
    with pytest.raises(InputError, match="negative label"):
        amodal_masks(np.array([[-1]]))
    with pytest.raises(InputError, match=r"first\.tif: There are 1 true objects"):
        evaluate_amodal([("first.tif", boxes((0, 0, 1, 1)), NOTHING, [0.1, 0.2])])
    with pytest.raises(InputError, match="truth holds no object"):
        evaluate_amodal([("first.tif", NOTHING, NOTHING, [])])


def test_thousands_of_objects_are_quick() -> None:
    corners = np.random.default_rng(0).integers(0, 2000, (4000, 2))
    masks = AmodalMasks([np.ones((25, 25), bool)] * 4000, corners, (2100, 2100))
    start = time.process_time()
    assert match(amodal_overlap(masks, masks), 0.5).tp == 4000
    assert time.process_time() - start < 10


def test_the_overlap_of_an_object_is_the_largest_share_of_the_smaller_of_two() -> None:
    masks = boxes((0, 0, 4, 4), (0, 2, 4, 4), (0, 0, 2, 1), (5, 0, 1, 1))
    assert overlapped(masks).tolist() == [1, 0.5, 1, 0]
    assert overlapped(boxes()).tolist() == []


def test_the_overlap_is_measured_where_it_is_not_given_and_groups_are_resampled_whole() -> None:
    truth, alone = boxes((0, 0, 4, 4), (0, 2, 4, 4)), boxes((0, 0, 4, 4))
    images = [(str(i), truth, truth if i % 4 else alone) for i in range(8)]
    found = evaluate_amodal(images)
    assert [row.overlap for row in found.rows] == ["40 to 50 %", "all"]
    assert found.rows == evaluate_amodal([(*image, [0.5, 0.5]) for image in images]).rows
    row = evaluate_amodal(images, groups=[i // 4 for i in range(8)]).rows[-1]
    assert (row.recall_low, row.recall, row.recall_high) == (14 / 16, 14 / 16, 14 / 16)  # both groups are alike
    assert found.rows[-1].recall_low < 14 / 16 < found.rows[-1].recall_high
    assert np.isnan(evaluate_amodal(images, groups=["a"] * 8).rows[-1].recall_low)
