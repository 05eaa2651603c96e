"""Measures of classifiers against scikit-learn and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from coverslip.measure import Classification, auroc, calibration_error, confused_pairs, evaluate_classes, reliability
from coverslip.measure.classes.ranking import roc_curve

CLASSES = ("low", "middle", "high")


@pytest.fixture(scope="module")
def found() -> Classification:
    rng = np.random.default_rng(3)
    codes = rng.choice(3, 120, p=[0.6, 0.3, 0.1])
    probability = rng.dirichlet(np.ones(3), 120)
    probability[np.arange(120), codes] += 0.4
    probability = np.round(probability, 1)  # ties
    probability /= probability.sum(axis=1, keepdims=True)
    return Classification(CLASSES, codes, probability, probability > 0.2, ordered=True)


def test_all_measures_are_those_of_scikit_learn(found: Classification) -> None:
    rows = {(row["class"], row["measure"]): row for row in evaluate_classes(found)}
    y, p, called = found.codes, found.probability, found.predicted
    expected = {
        ("all", "accuracy"): metrics.accuracy_score(y, called),
        ("all", "balanced accuracy"): metrics.balanced_accuracy_score(y, called),
        ("all", "macro F1"): metrics.f1_score(y, called, average="macro"),
        ("all", "quadratic kappa"): metrics.cohen_kappa_score(y, called, weights="quadratic"),
        ("all", "AUC macro"): metrics.roc_auc_score(y, p, multi_class="ovr"),
        ("all", "AUC micro"): metrics.roc_auc_score(np.eye(3)[y].ravel(), p.ravel()),
        ("all", "log loss"): metrics.log_loss(y, p),
        ("all", "coverage"): found.sets[np.arange(120), y].mean(),
        ("middle", "coverage"): found.sets[y == 1, 1].mean(),
    }
    for k, name in enumerate(CLASSES):
        precision, recall, f1, _ = (each[k] for each in metrics.precision_recall_fscore_support(y, called))
        expected |= {(name, "precision"): precision, (name, "recall"): recall, (name, "F1"): f1}
        expected[name, "specificity"] = metrics.recall_score(y != k, called != k)
        expected[name, "AUC"] = metrics.roc_auc_score(y == k, p[:, k])
    assert {key: rows[key]["value"] for key in expected} == pytest.approx(expected)
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows.values())


def test_classes_that_do_not_occur_count_in_no_mean() -> None:
    """Of a domain the classes of others are only what some of its images are called, wrongly."""
    codes = np.array([0, 0, 0, 1, 1, 1])
    probability = np.eye(3)[[0, 0, 2, 1, 1, 1]]
    rows = {row["measure"]: row["value"] for row in evaluate_classes(Classification(CLASSES, codes, probability))}
    assert rows["macro F1"] == pytest.approx((0.8 + 1) / 2)
    assert rows["balanced accuracy"] == pytest.approx((2 / 3 + 1) / 2)


def test_intervals_over_groups_are_wider_where_groups_are_alike(found: Classification) -> None:
    groups = np.argsort(np.argsort(found.predicted == found.codes, kind="stable")) // 20
    grouped = Classification(CLASSES, found.codes, found.probability, groups=groups)
    alone, whole = evaluate_classes(found)[0], evaluate_classes(grouped)[0]
    assert whole["value"] == alone["value"]
    assert whole["high"] - whole["low"] > 1.5 * (alone["high"] - alone["low"])


def test_every_interval_is_over_groups_where_there_are_some(found: Classification) -> None:
    """The rows of each group are one row repeated: only intervals over groups see how little that says."""
    few = np.repeat(np.arange(12), 10)
    sets = found.probability[few] > 0.4
    alike = Classification(CLASSES, found.codes[few], found.probability[few], sets)
    grouped = Classification(CLASSES, found.codes[few], found.probability[few], sets, groups=few)
    width = [
        {(r["class"], r["measure"]): r["high"] - r["low"] for r in evaluate_classes(each)} for each in (alike, grouped)
    ]
    for key in (("all", "coverage"), ("low", "coverage"), ("all", "accuracy where sure")):
        assert width[1][key] > 1.5 * width[0][key] > 0


def test_the_area_under_a_curve_is_the_chance_of_the_right_order() -> None:
    truth, score = np.array([1, 0, 1, 0, 1], bool), np.array([0.9, 0.8, 0.8, 0.1, 0.05])
    pairs = [(a > b) + (a == b) / 2 for a in score[truth] for b in score[~truth]]
    assert auroc(truth, score) == pytest.approx(np.mean(pairs))
    alarms, hits = roc_curve(truth, score)
    assert np.trapezoid(hits, alarms) == pytest.approx(np.mean(pairs))


def test_calibration_error_by_hand() -> None:
    right = np.array([True, False, True, True])
    confidence = np.array([0.91, 0.91, 0.5, 0.5])
    assert calibration_error(right, confidence) == pytest.approx((2 * 0.41 + 2 * 0.5) / 4)
    assert reliability(right, confidence) == [
        {"images": 2, "confidence": 0.5, "right": 1.0},
        {"images": 2, "confidence": pytest.approx(0.91), "right": 0.5},
    ]


def test_the_most_confused_pair_comes_first(found: Classification) -> None:
    pairs = confused_pairs(found)
    table = metrics.confusion_matrix(found.codes, found.predicted)
    np.fill_diagonal(table, 0)
    assert pairs[0]["images"] == table.max()
    true, called = divmod(int(table.argmax()), 3)
    assert (pairs[0]["true"], pairs[0]["called"]) == (CLASSES[true], CLASSES[called])
