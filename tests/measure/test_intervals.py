"""Bootstrap intervals: the quick way equals the plain one, groups are drawn whole, and SciPy agrees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from coverslip import measure
from coverslip.core.errors import InputError
from coverslip.measure import Interval, bootstrap, paired_difference

RNG = np.random.default_rng(0)
TRUTH = RNG.choice(["a", "b", "c"], p=[0.7, 0.2, 0.1], size=300)
GOOD = np.where(RNG.random(300) < 0.8, TRUTH, "a")
POOR = np.where(RNG.random(300) < 0.6, GOOD, RNG.choice(["a", "b", "c"], size=300))
GROUPS = np.arange(300) // 10

ADDITIVE = [
    (measure.accuracy, (TRUTH, GOOD)),
    (measure.balanced_accuracy, (TRUTH, GOOD)),
    (measure.adjusted_rand_index, (TRUTH, GOOD)),
    (measure.normalised_mutual_information, (TRUTH, GOOD)),
    (measure.clustering_accuracy, (TRUTH, GOOD)),
    (measure.purity, (TRUTH, GOOD)),
    (measure.mean, (np.arange(300.0) % 7,)),
    (measure.class_mean, (np.arange(300.0) % 7, TRUTH)),
    (measure.r_squared, (np.arange(300.0), np.arange(300.0) + RNG.normal(scale=50, size=300))),
]


def plain(statistic):
    """The same statistic, resampled one call at a time."""
    return lambda *arrays: statistic(*arrays)


def test_an_interval_reads_as_people_write_it() -> None:
    assert str(Interval(0.8123, 0.79, 0.8331, 200)) == "0.812 [0.790, 0.833]"
    assert str(Interval(0.5, np.nan, np.nan, 3)) == "0.500"


@pytest.mark.parametrize(("statistic", "arrays"), ADDITIVE, ids=lambda v: getattr(v, "__name__", ""))
@pytest.mark.parametrize("groups", [None, GROUPS], ids=["samples", "groups"])
def test_resampling_sums_gives_what_resampling_samples_gives(statistic, arrays, groups) -> None:
    quick = bootstrap(statistic, *arrays, groups=groups, n=4000)
    slow = bootstrap(plain(statistic), *arrays, groups=groups, n=200)
    assert quick.value == pytest.approx(slow.value)
    width = quick.high - quick.low
    assert [slow.low, slow.high] == pytest.approx([quick.low, quick.high], abs=0.25 * width)


def test_groups_drawn_whole_are_the_same_draws_for_sums_and_samples() -> None:
    quick = bootstrap(measure.balanced_accuracy, TRUTH, GOOD, groups=GROUPS, n=50, seed=3)
    slow = bootstrap(plain(measure.balanced_accuracy), TRUTH, GOOD, groups=GROUPS, n=50, seed=3)
    assert (quick.value, quick.low, quick.high) == pytest.approx((slow.value, slow.low, slow.high))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_interval_of_a_mean_agrees_with_scipy(method, rng) -> None:
    values = rng.gamma(1, size=80)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, method=method, rng=1).confidence_interval
    found = bootstrap(measure.mean, values, n=20_000, method=method)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.01)
    loop = bootstrap(lambda v: v.mean(), values, n=4000, method=method)
    assert (loop.low, loop.high) == pytest.approx((expected.low, expected.high), rel=0.03)


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    found = [bootstrap(measure.mean, rng.normal(size=60), n=400, level=0.9, seed=i) for i in range(400)]
    assert np.mean([i.low <= 0 <= i.high for i in found]) == pytest.approx(0.9, abs=0.05)


def test_samples_that_come_in_groups_widen_the_interval_to_that_of_the_groups(rng) -> None:
    of_groups = rng.normal(size=30)
    copies = np.repeat(of_groups, 10)
    grouped = bootstrap(measure.mean, copies, groups=GROUPS)
    alone, blind = bootstrap(measure.mean, of_groups), bootstrap(measure.mean, copies)
    assert grouped.n == 300
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert grouped.high - grouped.low > 2.5 * (blind.high - blind.low)


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(2, 30), st.sampled_from(["percentile", "bca"]), st.booleans())
def test_the_interval_holds_the_value_and_the_same_seed_gives_the_same(seed, size, method, grouped) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 3, size=(2, size))
    groups = np.arange(size) % 2 if grouped else None
    for statistic in (measure.accuracy, measure.balanced_accuracy, measure.adjusted_rand_index):
        found = bootstrap(statistic, truth, predicted, groups=groups, n=60, seed=seed, method=method)
        assert found.low <= found.value <= found.high
        assert found == bootstrap(statistic, truth, predicted, groups=groups, n=60, seed=seed, method=method)


def test_a_higher_level_gives_a_wider_interval() -> None:
    narrow, wide = (bootstrap(measure.accuracy, TRUTH, GOOD, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


@pytest.mark.parametrize("groups", [None, GROUPS], ids=["samples", "groups"])
def test_a_paired_difference_is_that_of_the_values_and_narrower_than_they_suggest(groups) -> None:
    found = paired_difference(measure.balanced_accuracy, GOOD, POOR, TRUTH, groups=groups)
    a, b = (bootstrap(measure.balanced_accuracy, TRUTH, p, groups=groups) for p in (GOOD, POOR))
    assert found.value == pytest.approx(a.value - b.value)
    assert found.high - found.low < (a.high - a.low) + (b.high - b.low)
    slow = paired_difference(plain(measure.balanced_accuracy), GOOD, POOR, TRUTH, groups=groups, n=300)
    assert slow.value == pytest.approx(found.value)
    assert [slow.low, slow.high] == pytest.approx([found.low, found.high], abs=0.2 * (found.high - found.low))


def test_a_method_does_not_differ_from_itself() -> None:
    found = paired_difference(measure.accuracy, GOOD, GOOD, TRUTH)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_statistics_equal_scikit_learn(rng) -> None:
    assert measure.accuracy(TRUTH, GOOD) == pytest.approx(metrics.accuracy_score(TRUTH, GOOD))
    assert measure.balanced_accuracy(TRUTH, GOOD) == pytest.approx(metrics.balanced_accuracy_score(TRUTH, GOOD))
    y, p = rng.normal(size=(2, 50)) + 1e6
    assert measure.r_squared(y, p) == pytest.approx(metrics.r2_score(y, p))
    assert np.isnan(measure.r_squared([1.0, 1.0], [0.0, 2.0]))
    assert measure.class_mean([1.0, 3.0, 10.0], ["a", "a", "b"]) == 6


def test_labels_may_be_of_any_kind() -> None:
    truth, predicted = np.array([1, 2, 2]), np.array(["1", "2", "1"])
    assert measure.accuracy(truth, predicted) == pytest.approx(2 / 3)
    assert measure.accuracy([True, False], [1, 0]) == 1


def test_a_statistic_that_is_sometimes_undefined_still_has_an_interval_and_one_that_always_is_has_none() -> None:
    y = np.array([0.0, 0.0, 0.0, 1.0])
    sometimes, always = bootstrap(measure.r_squared, y, y), bootstrap(measure.r_squared, y * 0, y)
    assert (sometimes.value, sometimes.low, sometimes.high) == (1, 1, 1)
    assert np.isnan([always.value, always.low, always.high]).all()


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (([1.0],), {}, "at least 2"),
        (([1.0, 2.0], [1.0]), {}, "one length"),
        (([1.0, 2.0],), {"groups": ["x", "x"]}, "one group .'x'."),
        (([1.0, 2.0],), {"groups": ["x"]}, "1 groups for 2 samples"),
        (([1.0, 2.0],), {"level": 95}, "between 0 and 1"),
        (([1.0, 2.0],), {"method": "normal"}, "not 'normal'"),
    ],
)
def test_what_cannot_be_resampled_is_refused_in_a_sentence(arguments, options, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        bootstrap(measure.mean, *arguments, **options)
