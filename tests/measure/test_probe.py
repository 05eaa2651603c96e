"""Probes read what is linearly there, never see what they are tested on, and say what they had to change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_wine, make_circles
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from coverslip.core.errors import InputError
from coverslip.measure import knn_probe, linear_probe
from coverslip.measure.embeddings import probe

WINE, CULTIVAR = load_wine(return_X_y=True)


def test_a_linear_probe_reads_real_measurements_in_mixed_units() -> None:
    found = linear_probe(WINE, CULTIVAR)
    assert found.balanced_accuracy.value > 0.95
    assert found.balanced_accuracy.low <= found.balanced_accuracy.value <= found.balanced_accuracy.high
    assert found.confusion.sum() == len(WINE)
    assert found.confusion.sum(axis=1).tolist() == np.bincount(CULTIVAR).tolist()
    assert found.accuracy.value == pytest.approx(np.trace(found.confusion) / len(WINE))
    assert found.accuracy.value == pytest.approx((found.predictions[0] == CULTIVAR).mean())
    assert found.balanced_accuracy.value == pytest.approx(np.mean(list(found.recall.values())))
    assert found.protocol == "5-fold cross-validation, stratified by class"


def test_the_prediction_of_a_split_is_that_of_scikit_learn_at_the_chosen_strength() -> None:
    train = np.arange(len(WINE)) % 3 > 0
    found = linear_probe(WINE, CULTIVAR, split=train)
    scaler = StandardScaler().fit(WINE[train])
    model = LogisticRegression(C=found.chosen[0], class_weight="balanced", max_iter=1000)
    expected = model.fit(scaler.transform(WINE[train]), CULTIVAR[train]).predict(scaler.transform(WINE[~train]))
    np.testing.assert_array_equal(found.predictions[0], expected)
    np.testing.assert_array_equal(found.tested, np.flatnonzero(~train))


def test_more_features_than_samples_are_probed_as_if_they_had_not_been_rotated() -> None:
    x, y = load_digits(return_X_y=True)
    wide = np.hstack([x, x**2])[::15]  # 120 samples of 128 features
    train = np.arange(len(wide)) % 2 == 0
    found = linear_probe(wide, y[::15], split=train)
    scaler = StandardScaler().fit(wide[train])
    model = LogisticRegression(C=found.chosen[0], class_weight="balanced", max_iter=5000)
    expected = model.fit(scaler.transform(wide[train]), y[::15][train]).predict(scaler.transform(wide[~train]))
    assert (found.predictions[0] == expected).mean() > 0.98


def test_a_nearest_neighbour_probe_equals_scikit_learn_where_no_votes_tie() -> None:
    train = np.arange(len(WINE)) % 3 > 0
    for k in (1, 5):
        found = knn_probe(WINE, CULTIVAR, k=k, split=train, balanced=False, standardise=True)
        scaler = StandardScaler().fit(WINE[train])
        model = KNeighborsClassifier(k).fit(scaler.transform(WINE[train]), CULTIVAR[train])
        votes = np.sort(model.predict_proba(scaler.transform(WINE[~train])), axis=1)
        clear = votes[:, -1] > votes[:, -2]
        expected = model.predict(scaler.transform(WINE[~train]))
        np.testing.assert_array_equal(found.predictions[0][clear], expected[clear])
        assert found.chosen == [k]


def test_neighbours_see_what_no_line_can() -> None:
    x, y = make_circles(200, noise=0.05, factor=0.4, random_state=0)
    assert knn_probe(x, y).balanced_accuracy.value > 0.97
    assert linear_probe(x, y).balanced_accuracy.value < 0.7


def test_a_rare_class_gets_its_votes_when_balanced(rng) -> None:
    x = np.concatenate([rng.normal(0, 1, size=(190, 2)), rng.normal(1.5, 1, size=(10, 2))])
    y = np.repeat(["common", "rare"], [190, 10])
    for run in (linear_probe, knn_probe):
        weighted, plain = run(x, y, balanced=True), run(x, y, balanced=False)
        assert weighted.recall["rare"] > plain.recall["rare"]
        assert weighted.balanced_accuracy.value > plain.balanced_accuracy.value


def test_cosine_neighbours_do_not_look_at_length(rng) -> None:
    angle = np.repeat([0.2, 1.2], 40)
    length = rng.gamma(1, 5, size=80) + 0.1
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    assert knn_probe(x, angle > 1, metric="cosine", k=3).accuracy.value == 1
    assert knn_probe(x, angle > 1, metric="euclidean", k=3).accuracy.value < 1


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=13, max_size=13), st.integers(0, 5))
def test_the_unit_of_a_feature_changes_nothing_for_a_linear_probe(scales, shift) -> None:
    train = np.arange(len(WINE)) % 3 == 0
    a, b = (linear_probe(x, CULTIVAR, split=train) for x in (WINE, (WINE + shift) * scales))
    np.testing.assert_array_equal(a.predictions, b.predictions)


def test_a_feature_that_never_varies_says_nothing_and_does_no_harm() -> None:
    x = np.hstack([WINE, np.full((len(WINE), 1), 0.1)])
    np.testing.assert_array_equal(linear_probe(x, CULTIVAR).predictions, linear_probe(WINE, CULTIVAR).predictions)


@pytest.mark.parametrize("size", [2, 500])
def test_a_collapsed_space_is_read_at_chance(size) -> None:
    assert linear_probe(np.full((60, size), 0.3), np.arange(60) % 3).balanced_accuracy.value == pytest.approx(1 / 3)


def test_labels_without_relation_to_the_features_are_read_at_chance(rng) -> None:
    x, y = rng.normal(size=(400, 50)), np.arange(400) % 4
    for run in (linear_probe, knn_probe):
        assert run(x, y).balanced_accuracy.value == pytest.approx(0.25, abs=0.08)


def test_held_out_groups_reveal_features_that_only_know_the_group(rng) -> None:
    group = np.repeat(np.arange(20), 15)
    label = np.where(group % 2 == 0, "treated", "control")
    x = rng.normal(size=(20, 30))[group] + 0.1 * rng.normal(size=(300, 30))
    assert linear_probe(x, label).accuracy.value > 0.99
    honest = linear_probe(x, label, groups=group)
    assert honest.accuracy.value < 0.8
    assert "whole groups held out" in honest.protocol
    assert honest.accuracy.high - honest.accuracy.low > 0.2


def test_no_group_is_in_training_and_test_and_every_sample_is_tested_once() -> None:
    labels = probe.encode(np.arange(120) % 3)
    groups = np.arange(120) // 4
    plan = probe.plan(labels, groups=groups, split=None, folds=4, repeats=3, seed=0)
    assert len(plan.repeats) == 3
    for folds in plan.repeats:
        assert sorted(np.concatenate([test for _, test in folds])) == list(range(120))
        assert not any(np.intersect1d(groups[train], groups[test]).size for train, test in folds)


def test_repeats_are_averaged_and_differ_in_their_folds() -> None:
    found = linear_probe(WINE[:, :2], CULTIVAR, repeats=3)
    assert found.predictions.shape == (3, len(WINE))
    assert (found.predictions[0] != found.predictions[1]).any()
    assert found.hits == pytest.approx((found.predictions == CULTIVAR).mean(axis=0))
    assert found.accuracy.value == pytest.approx(found.hits.mean())
    assert found.confusion.sum() == pytest.approx(len(WINE))


def test_the_same_seed_gives_the_same_result() -> None:
    a, b = linear_probe(WINE, CULTIVAR, seed=4), linear_probe(WINE, CULTIVAR, seed=4)
    np.testing.assert_array_equal(a.predictions, b.predictions)
    assert a.balanced_accuracy == b.balanced_accuracy


def test_a_class_smaller_than_the_folds_reduces_them_and_the_result_says_so(rng) -> None:
    y = np.array(["big"] * 60 + ["small"] * 3)
    found = linear_probe(rng.normal(size=(63, 4)) + (y == "small")[:, None] * 6, y)
    assert "3 folds instead of 5, because the class 'small' has only 3 samples" in found.protocol
    assert found.recall["small"] == 1
    grouped = linear_probe(rng.normal(size=(63, 4)), y, groups=np.arange(63) // 2)
    assert "2 folds instead of 5, because the class 'small' has only 2 groups" in grouped.protocol


def test_many_tiny_classes_can_still_be_probed(rng) -> None:
    y = np.repeat(np.arange(30), 2)
    found = linear_probe(np.eye(30)[y] + 0.01 * rng.normal(size=(60, 30)), y)
    assert found.balanced_accuracy.value == 1


def test_a_split_by_words_tests_on_the_test_part_only() -> None:
    split = np.where(np.arange(len(WINE)) % 4 == 0, "Test", "train").astype(object)
    split[::9] = "unused"
    found = linear_probe(WINE, CULTIVAR, split=split)
    np.testing.assert_array_equal(found.tested, np.flatnonzero(split == "Test"))
    assert (
        found.protocol
        == f"trained on {(split == 'train').sum()} samples, tested on {(split == 'Test').sum()} test samples"
    )
    validation = linear_probe(WINE, CULTIVAR, split=np.where(split == "Test", "val", "train"))
    assert "val samples" in validation.protocol


def test_a_class_that_is_only_tested_is_missed_and_named() -> None:
    train = (np.arange(len(WINE)) % 2 == 0) & (CULTIVAR != 2)
    found = linear_probe(WINE, CULTIVAR, split=train)
    assert found.recall["2"] == 0
    assert "tested without being in the training samples of the split: 2" in found.protocol


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        (["a"] * 12, {}, "at least 2 classes, but every sample is 'a'"),
        (["a"] * 11 + ["b"], {}, "class 'b' has only one sample"),
        (["a"] * 9 + ["b"] * 3, {"groups": list("uuuvvvwwwxxx")}, "class 'b' has only one group"),
        (["a", "b"] * 5 + [None, "b"], {}, "labels are missing for 1 of 12 samples, first for sample 10"),
        (["a", "b"], {}, "one value for each of the 12 samples"),
        (np.linspace(0, 1, 12) ** 2, {}, "has only one sample"),
        (["a", "b"] * 6, {"split": ["train"] * 12}, "marked 'test'.*it holds: train"),
        (["a", "b"] * 6, {"split": ["train"] * 6 + ["test"] * 6, "groups": [0] * 7 + [1] * 5}, "group '0'"),
        (["a"] * 6 + ["b"] * 6, {"split": ["train"] * 6 + ["test"] * 6}, "all of one class"),
        (["a", "b"] * 6, {"folds": 1}, "at least 2 folds"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_a_sentence(labels, options, sentence, rng) -> None:
    with pytest.raises(InputError, match=sentence):
        linear_probe(rng.normal(size=(12, 2)), labels, **options)


def test_measurements_given_as_labels_are_recognised(rng) -> None:
    with pytest.raises(InputError, match="30 different fractional numbers"):
        linear_probe(rng.normal(size=(30, 2)), rng.normal(size=30))


def test_features_that_are_not_finite_are_named() -> None:
    x = WINE.copy()
    x[7, 3] = np.nan
    with pytest.raises(InputError, match="sample 7"):
        linear_probe(x, CULTIVAR)
    with pytest.raises(InputError, match="at least 1"):
        knn_probe(WINE, CULTIVAR, k=0)
