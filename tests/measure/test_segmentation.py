"""Measures of label images equal a table worked out by hand and plain definitions, image by image and pooled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.results import LabelMap
from coverslip.measure import (
    THRESHOLDS,
    aggregated_jaccard,
    boundary_distances,
    evaluate_labels,
    match,
    object_dice,
    overlap,
    panoptic_quality,
    pixel_auroc,
    pixel_scores,
    splits_and_merges,
)
from coverslip.measure.objects.precision import mean_ap_of

from . import oracle
from .label_images import drawn, label_pairs

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
"""Object 1 falls into two halves, 2 and 3 are taken for one, 4 is shifted, 5 is missed; there is nothing where 5 is."""
NOTHING = np.zeros_like(TRUTH)


def test_the_measures_of_a_small_example_are_those_worked_out_by_hand() -> None:
    table = overlap(TRUTH, PREDICTION)
    quality = panoptic_quality(table)  # an IoU of exactly 0.5 is no match: only 4 with 4, of IoU 3 / 5
    assert (quality.pq, quality.sq, quality.rq) == pytest.approx((0.6 / (1 + 4 / 2 + 4 / 2), 0.6, 1 / 5))
    # Intersections 2 + 2 + 2 + 3; unions 4 + 4 + 4 + 5; 5 is missed (3), predicted 2 and 5 stay over (2 + 1).
    assert aggregated_jaccard(table) == 9 / 23
    of_truth = (4 * 2 / 3 + 2 * 2 / 3 + 2 * 2 / 3 + 4 * 3 / 4) / 15
    of_prediction = (2 * 2 / 3 + 2 * 2 / 3 + 4 * 2 / 3 + 4 * 3 / 4) / 13
    assert object_dice(table) == pytest.approx((of_truth + of_prediction) / 2)
    assert splits_and_merges(table) == (1, 1)
    pixels = pixel_scores(table)
    assert (pixels.accuracy, pixels.precision, pixels.recall) == (24 / 30, 11 / 13, 11 / 15)
    assert (pixels.f1, pixels.iou) == (22 / 28, 11 / 17)


def test_the_table_of_one_image_holds_the_same() -> None:
    found = evaluate_labels([("field", TRUTH, PREDICTION)])
    column = {key: values[0] for key, values in found.per_image.items()}
    assert [column[key] for key in ("name", "n_true", "n_predicted", "tp", "fp", "fn")] == ["field", 5, 5, 3, 2, 2]
    assert (column["ap50"], column["ap55"], column["ap60"], column["ap65"]) == (3 / 7, 1 / 9, 1 / 9, 0)
    assert column["ap"] == pytest.approx((3 / 7 + 2 / 9) / 10)
    assert (column["precision"], column["recall"], column["f1"]) == (3 / 5, 3 / 5, 3 / 5)
    assert (column["pq"], column["aji"], column["splits"], column["merges"]) == (0.12, 9 / 23, 1, 1)
    assert column["pixel_f1"] == 22 / 28
    row = found.get("aji")
    assert (row.value, row.mean, row.n) == (9 / 23, 9 / 23, 1)
    assert np.isnan([row.low, row.high, row.mean_low, row.mean_high]).all()
    assert str(row) == "aji 0.391, image mean 0.391"


@settings(max_examples=150)
@given(label_pairs())
def test_the_measures_equal_their_plain_definitions(pair) -> None:
    table = overlap(*pair)
    assert aggregated_jaccard(table) == pytest.approx(oracle.aggregated_jaccard(*pair))
    assert object_dice(table) == pytest.approx(oracle.object_dice(*pair))
    assert splits_and_merges(table) == oracle.splits_and_merges(*pair)
    pairs, total = oracle.best_assignment(*pair, oracle.Fraction(1, 2), strict=True)
    objects = table.n_true + table.n_predicted
    quality = panoptic_quality(table)
    assert quality.pq == pytest.approx(2 * float(total) / objects if objects else 1)
    assert quality.rq == pytest.approx(2 * pairs / objects if objects else 1)
    assert quality.sq == pytest.approx(float(total / pairs) if pairs else 0 if objects else 1)


@given(label_pairs())
def test_distances_of_outlines_equal_their_plain_definition(pair) -> None:
    table = overlap(*pair)
    pairs = match(table)
    found = boundary_distances(*pair, table)
    labels = zip(table.truth_ids[pairs.truth], table.prediction_ids[pairs.prediction], strict=True)
    expected = np.array(oracle.boundary(*pair, list(labels))).reshape(-1, 2)
    np.testing.assert_allclose(found.mean, expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.hausdorff95, expected[:, 1], atol=1e-12)


def test_a_square_that_is_one_pixel_too_large_is_one_pixel_off_everywhere_but_at_its_corners() -> None:
    truth, prediction = np.zeros((2, 12, 12), int)
    truth[3:9, 3:9] = 5
    prediction[2:10, 2:10] = 9
    found = boundary_distances(truth, prediction, overlap(truth, prediction))
    mean = (20 * 1 + 24 * 1 + 4 * np.sqrt(2)) / (20 + 28)  # from inside out, from outside in, from the outer corners
    assert found.mean == pytest.approx([mean])
    assert found.hausdorff95 == pytest.approx([np.sqrt(2)])


def every_measure(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    if not truth.any():
        return {}
    table = evaluate_labels([("image", truth, prediction)], thresholds=[0.3, *THRESHOLDS]).per_image
    return {key: values[0] for key, values in table.items() if key != "name"}


@settings(max_examples=50)
@given(label_pairs(), st.permutations(range(1, 5)), st.permutations(range(1, 5)))
def test_neither_names_nor_orientation_change_a_measure(pair, names, others) -> None:
    expected = every_measure(*pair)
    turned = every_measure(*(np.rot90(labels)[:, ::-1] for labels in pair))
    assert turned == pytest.approx(expected, nan_ok=True)
    truth, prediction = (np.array([0, *new])[labels] for new, labels in zip((names, others), pair, strict=True))
    renamed = every_measure(truth * 1000, prediction.astype(np.uint8))
    expected.pop("aji", None)  # of equal overlaps the lower label is taken, as published programs do
    assert {key: renamed[key] for key in expected} == pytest.approx(expected, nan_ok=True)


RATIOS = ["ap30", "ap50", "ap", "precision", "recall", "f1", "pq", "sq", "rq", "aji", "object_dice", "pixel_f1"]


@given(label_pairs())
def test_ratios_lie_between_0_and_1_and_are_1_for_the_truth_itself(pair) -> None:
    table, perfect = every_measure(*pair), every_measure(pair[0], pair[0])
    if table:
        assert all(0 <= table[key] <= 1 for key in RATIOS)
        assert [perfect[key] for key in RATIOS] == [1] * len(RATIOS)
        assert [perfect[key] for key in ("fp", "fn", "boundary_px", "hausdorff95_px", "splits", "merges")] == [0] * 6


def test_where_nothing_is_and_nothing_was_found_nothing_is_wrong() -> None:
    table = overlap(NOTHING, NOTHING)
    quality = panoptic_quality(table)
    assert (quality.pq, quality.sq, quality.rq) == (1, 1, 1)
    assert (aggregated_jaccard(table), object_dice(table), splits_and_merges(table)) == (1, 1, (0, 0))
    found = evaluate_labels([("empty", NOTHING, NOTHING), ("field", TRUTH, PREDICTION)])
    assert [found.per_image[key][0] for key in ("ap50", "ap", "f1", "precision", "recall", "pq", "aji")] == [1] * 7
    assert [found.per_image[key][0] for key in ("tp", "fp", "fn", "splits", "merges")] == [0] * 5
    assert np.isnan(found.per_image["boundary_px"][0])
    assert found.get("boundary_px").n == 1
    assert found.get("f1").value == 3 / 5  # pooled, it counts for nothing
    assert found.get("f1").mean == (1 + 3 / 5) / 2


@pytest.mark.parametrize("pair", [(TRUTH, NOTHING), (NOTHING, TRUTH)], ids=["all missed", "all invented"])
def test_where_one_side_is_empty_everything_is_wrong(pair) -> None:
    table = overlap(*pair)
    quality = panoptic_quality(table)
    assert (quality.pq, quality.sq, quality.rq) == (0, 0, 0)
    assert (aggregated_jaccard(table), object_dice(table), splits_and_merges(table)) == (0, 0, (0, 0))
    found = evaluate_labels([("one-sided", *pair), ("field", TRUTH, TRUTH)]).per_image
    assert [found[key][0] for key in ("ap50", "ap", "f1", "precision", "recall", "pq", "aji", "pixel_f1")] == [0] * 8


def fields(n: int = 8) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Images of squares that are found the better the later they come."""
    rng = np.random.default_rng(1)
    found = []
    for i in range(n):
        truth = np.kron(np.arange(1, 17).reshape(4, 4), np.pad(np.ones((6, 6), int), 2))
        shifted = np.roll(truth, rng.integers(0, 3), axis=1)
        found.append((f"field {i}", truth, np.where(rng.random(17)[shifted] < 0.3 + 0.08 * i, shifted, 0)))
    return found


def test_pooled_values_are_of_all_objects_together_and_means_of_images() -> None:
    images = fields()
    found = evaluate_labels(images)
    tables = [overlap(truth, prediction) for _, truth, prediction in images]
    tp = sum(match(t, 0.75).tp for t in tables)
    assert found.get("ap75").value == pytest.approx(tp / (sum(t.n_true + t.n_predicted for t in tables) - tp))
    assert found.get("ap75").mean == pytest.approx(found.per_image["ap75"].mean())
    assert found.get("ap").value == pytest.approx(np.mean([found.get(f"ap{round(100 * t)}").value for t in THRESHOLDS]))
    assert mean_ap_of(pair for _, *pair in images) == pytest.approx(found.get("ap").value)
    joined = overlap(
        np.hstack([truth + 100 * i * (truth > 0) for i, (_, truth, _) in enumerate(images)]),
        np.hstack([labels + 100 * i * (labels > 0) for i, (_, _, labels) in enumerate(images)]),
    )
    assert found.get("pq").value == pytest.approx(panoptic_quality(joined).pq)
    assert found.get("sq").value == pytest.approx(panoptic_quality(joined).sq)
    assert found.get("aji").value == pytest.approx(aggregated_jaccard(joined))
    assert found.get("object_dice").value == pytest.approx(object_dice(joined))
    assert found.get("pixel_iou").value == pytest.approx(pixel_scores(joined).iou)
    assert found.get("splits").value == splits_and_merges(joined)[0]
    assert found.per_image["name"].tolist() == [name for name, _, _ in images]


def test_intervals_are_over_images_and_over_whole_groups_where_there_are_some() -> None:
    images = fields()
    alone = evaluate_labels(images).get("f1")
    assert alone.low < alone.value < alone.high
    assert alone.mean_low < alone.mean < alone.mean_high
    groups = np.repeat(["a", "b"], 4)
    grouped = evaluate_labels(images, groups=groups).get("f1")
    # Two groups: either one twice, or both.
    ends = [evaluate_labels(images[:4]).get("f1").value, evaluate_labels(images[4:]).get("f1").value]
    assert (grouped.low, grouped.high) == pytest.approx((min(ends), max(ends)))
    assert evaluate_labels(iter(images), seed=3).records() == evaluate_labels(images, seed=3).records()


def test_a_measure_that_one_group_alone_has_has_no_interval_of_its_mean() -> None:
    images = [("a", TRUTH, TRUTH), ("b", TRUTH, TRUTH), ("c", TRUTH, NOTHING)]
    row = evaluate_labels(images, groups=["x", "x", "y"]).get("boundary_px")
    assert (row.value, row.mean, row.n) == (0, 0, 2)
    assert np.isnan([row.mean_low, row.mean_high]).all()


def test_records_are_rows_of_numbers_with_a_note_each() -> None:
    record = evaluate_labels(fields(3)).records()[0]
    assert list(record) == ["measure", "value", "low", "high", "mean", "mean_low", "mean_high", "n", "note"]
    assert (record["measure"], record["n"], record["note"]) == ("ap50", 3, "TP / (TP + FP + FN), IoU ≥ 0.5")


def test_thresholds_may_be_others() -> None:
    found = evaluate_labels([("field", TRUTH, PREDICTION)], thresholds=[0.625, 0.1, 0.5])
    names = [row.measure for row in found.rows]
    assert names[:4] == ["ap10", "ap50", "ap62.5", "ap"]
    assert found.get("ap10").value == 3 / 7


def test_distances_are_in_micrometres_where_the_size_of_a_pixel_is_known() -> None:
    truth, prediction = np.zeros((2, 12, 12), int)
    truth[4:8, 3:9], prediction[4:8, 4:10] = 1, 1
    square = evaluate_labels([("a", LabelMap(truth, "a", PixelSize(0.5, 0.5)), prediction)])
    assert square.get("boundary_um").value == pytest.approx(0.5 * square.get("boundary_px").value)
    oblong = evaluate_labels([("a", truth, LabelMap(prediction, "a", PixelSize(9.0, 0.5)))])
    assert oblong.get("hausdorff95_um").value == pytest.approx(0.5)  # along the narrow side of the pixels
    assert evaluate_labels([("a", truth, prediction)], pixel_size=2).get("hausdorff95_um").value == pytest.approx(2)
    unknown = evaluate_labels([("a", truth, prediction)])
    with pytest.raises(InputError, match="no 'boundary_um' in this table; it has: ap50,"):
        unknown.get("boundary_um")
    assert "boundary_um" not in unknown.per_image


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_auroc_equals_scikit_learn(rng, spread) -> None:
    truth = (rng.random((64, 64)) < 0.2).astype(int) * 7
    probability = 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + spread * (truth > 0)) * 4))
    expected = roc_auc_score((truth > 0).ravel(), probability.ravel())
    assert pixel_auroc(truth, probability.astype(np.float32)) == pytest.approx(expected, abs=1e-4)
    rounded = np.round(255 * probability).astype(np.uint8)
    expected = roc_auc_score((truth > 0).ravel(), rounded.ravel())
    assert pixel_auroc(truth, rounded) == pytest.approx(expected, abs=1e-3)


def test_auroc_of_certain_probabilities_is_exact_and_of_one_class_undefined() -> None:
    truth = np.array([[0, 0, 1, 1]])
    assert pixel_auroc(truth, np.array([[0.0, 1.0, 0.0, 1.0]])) == 0.5
    assert pixel_auroc(truth, np.array([[0.0, 0.0, 1.0, 1.0]])) == 1
    assert np.isnan(pixel_auroc(truth * 0, np.array([[0.0, 0.0, 1.0, 1.0]])))


def test_probabilities_are_pooled_over_the_images_that_have_some(rng) -> None:
    truth = np.kron(np.eye(4, dtype=int), np.ones((8, 8), int))
    maps = [np.clip(0.3 * truth + rng.random(truth.shape) * 0.7, 0, 1) for _ in range(3)]
    images = [(f"{i}", truth, truth, p) for i, p in enumerate(maps[:2])]
    found = evaluate_labels([*images, ("2", truth, LabelMap(truth, "2", probability=maps[2])), ("3", truth, truth)])
    row = found.get("auroc")
    expected = roc_auc_score(np.concatenate([truth.ravel()] * 3), np.concatenate([p.ravel() for p in maps]))
    assert row.value == pytest.approx(expected, abs=1e-4)
    assert row.low < row.value < row.high
    assert (row.n, np.isnan(found.per_image["auroc"][3])) == (3, True)
    assert "auroc" not in evaluate_labels([("a", truth, truth)]).per_image


@pytest.mark.parametrize(
    ("images", "options", "complaint"),
    [
        ([], {}, "no image to evaluate"),
        ([("a", NOTHING, TRUTH), ("b", NOTHING, NOTHING)], {}, "no object in any of the 2 images"),
        ([("a.tif", TRUTH, TRUTH), ("b.tif", TRUTH, TRUTH[1:])], {}, "b.tif: The truth has 5 x 6 pixels but .* 4 x 6"),
        ([("a.tif", TRUTH, TRUTH / 3)], {}, "a.tif: The prediction must be an image of whole numbers"),
        ([("a.tif", TRUTH, TRUTH, TRUTH / 3)], {}, "a.tif: A probability lies from 0 to 1"),
        ([("a.tif", TRUTH, TRUTH, TRUTH[1:] / 9)], {}, "the probabilities \\(4, 6\\)"),
        ([("a", TRUTH, TRUTH)], {"thresholds": ()}, "at least one IoU threshold"),
        ([("a", TRUTH, TRUTH)], {"thresholds": (5,)}, "above 0 and at most at 1"),
        ([("a", TRUTH, TRUTH)] * 2, {"groups": ["x"]}, "one value for each of the 2 samples"),
        ([("a", TRUTH, TRUTH)] * 2, {"groups": ["x", "x"]}, "lie in one group"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_sentence(images, options, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        evaluate_labels(images, **options)
