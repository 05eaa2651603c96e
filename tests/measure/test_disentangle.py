"""MIG and DCI are exact where they can be worked by hand, near 1 on axes, and low where factors are mixed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from coverslip.core.errors import InputError
from coverslip.measure import dci, mig

N = 600
RNG = np.random.default_rng(0)
SHAPE, SIZE = RNG.integers(0, 3, N), RNG.uniform(size=N)
NOISE = RNG.normal(size=N)
ALIGNED = np.stack([SHAPE + 0.05 * RNG.normal(size=N), NOISE, SIZE], axis=1)
TURNED = ALIGNED / ALIGNED.std(axis=0) @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
FACTORS = {"shape": np.array(["disc", "ring", "star"])[SHAPE], "size": SIZE}


def test_the_gap_of_a_discrete_example_is_that_worked_by_hand() -> None:
    factor = np.array([0, 0, 1, 1])
    copy, half, nothing = factor, np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1])
    known_half = np.log(2) - 0.75 * (-(1 / 3) * np.log(1 / 3) - (2 / 3) * np.log(2 / 3))
    found = mig(np.stack([copy, half, nothing], axis=1), {"f": factor})
    assert found.information[:, 0] == pytest.approx([1, known_half / np.log(2), 0])
    assert found.score == found.gaps["f"] == pytest.approx(1 - known_half / np.log(2))


def test_two_factors_on_two_axes_have_a_gap_of_one_and_stored_twice_of_none() -> None:
    a, b = np.divmod(np.arange(12), 3)
    assert mig(np.stack([a, b], axis=1), {"a": a, "b": b}).score == pytest.approx(1)
    assert mig(np.stack([a, a, b, b], axis=1), {"a": a, "b": b}).score == pytest.approx(0)
    assert mig(a[:, None], {"a": a}).score == pytest.approx(1)


def test_information_equals_scikit_learn_on_binned_codes() -> None:
    edges = np.linspace(NOISE.min(), NOISE.max(), 11)[1:-1]
    binned = np.digitize(NOISE, edges)
    entropy = mutual_info_score(SHAPE, SHAPE)
    found = mig(NOISE[:, None], {"shape": SHAPE}, bins=10)
    assert found.information[0, 0] == pytest.approx(mutual_info_score(binned, SHAPE) / entropy)


def test_factors_along_axes_have_a_large_gap_and_turned_ones_a_small_one() -> None:
    assert mig(ALIGNED, FACTORS).score > 0.8
    assert mig(TURNED, FACTORS).score < 0.4


def test_an_outlier_squeezes_bins_of_equal_width_but_not_of_equal_size() -> None:
    z = np.append(np.linspace(0, 1, 400), 1e6)[:, None]
    factor = {"half": np.append(np.arange(400) >= 200, True)}
    assert mig(z, factor).score < 0.1
    assert mig(z, factor, binning="quantile").score > 0.95


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 3))
def test_the_gap_is_between_0_and_1_and_the_order_of_dimensions_and_samples_does_not_matter(seed, d, f) -> None:
    rng = np.random.default_rng(seed)
    z, v = rng.normal(size=(60, d)), np.vstack([rng.integers(0, 3, size=(58, f)), np.zeros(f), np.ones(f)]).astype(int)
    factors = {str(i): column for i, column in enumerate(v.T)}
    found = mig(z, factors)
    assert 0 <= found.score <= 1
    assert ((found.information >= 0) & (found.information <= 1)).all()
    order = rng.permutation(60)
    moved = mig(z[order][:, rng.permutation(d)] * 3, {k: column[order] for k, column in factors.items()})
    assert moved.score == pytest.approx(found.score, abs=0.05)  # scaling may move a value over the edge of a bin


def test_axes_are_disentangled_complete_and_informative() -> None:
    found = dci(ALIGNED, FACTORS)
    assert found.disentanglement > 0.95
    assert found.completeness > 0.95
    assert found.informativeness["shape"] > 0.98
    assert found.informativeness["size"] > 0.98
    assert found.importance.argmax(axis=0).tolist() == [0, 2]
    assert found.importance.sum(axis=0) == pytest.approx([1, 1])
    assert set(found.predictions["shape"]) == {"disc", "ring", "star"}


def test_a_turned_space_stays_informative_but_is_neither_disentangled_nor_complete() -> None:
    found = dci(TURNED, FACTORS)
    assert found.disentanglement < 0.75
    assert found.completeness < 0.6
    assert found.informativeness["shape"] > 0.85


def test_a_factor_spread_over_two_copies_is_disentangled_but_not_complete(rng) -> None:
    x = np.stack([SIZE + 0.01 * rng.normal(size=N), SIZE + 0.01 * rng.normal(size=N), SHAPE], axis=1)
    found = dci(x, FACTORS)
    assert found.disentanglement > 0.9
    assert found.completeness < 0.85
    assert found.importance[:2, 1].min() > 0.1


def test_codes_without_the_factor_predict_at_chance(rng) -> None:
    found = dci(rng.normal(size=(N, 2)), FACTORS)
    assert found.informativeness["shape"] == pytest.approx(1 / 3, abs=0.08)
    assert found.informativeness["size"] < 0.1
    assert found.completeness < 0.1


def test_a_single_factor_or_dimension_leaves_the_score_undefined() -> None:
    assert np.isnan(dci(ALIGNED[:200], {"size": SIZE[:200]}).disentanglement)
    assert np.isnan(dci(ALIGNED[:200, :1], {"size": SIZE[:200], "shape": SHAPE[:200]}).completeness)


def test_the_same_seed_gives_the_same_scores() -> None:
    some = {name: values[:200] for name, values in FACTORS.items()}
    a, b = dci(TURNED[:200], some, seed=2), dci(TURNED[:200], some, seed=2)
    np.testing.assert_array_equal(a.importance, b.importance)
    assert a.informativeness == b.informativeness


def test_held_out_groups_reveal_codes_that_only_know_the_group() -> None:
    group = np.arange(200) // 10
    size = np.random.default_rng(1).normal(size=20)[group] + 0.01 * NOISE[:200]
    codes = np.random.default_rng(2).normal(size=(20, 3))[group]
    assert dci(codes, {"size": size}).informativeness["size"] > 0.95
    assert dci(codes, {"size": size}, groups=group).informativeness["size"] < 0.6


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ({}, "at least one known factor"),
        ({"dose": np.ones(10)}, "factor 'dose' is '1.0' for every sample"),
        ({"dose": np.arange(9)}, "factor 'dose' must be one value for each of the 10 samples"),
        ({"dose": ["a"] * 8 + ["b", None]}, "factor 'dose' are missing"),
    ],
)
def test_factors_that_say_nothing_are_refused_in_a_sentence(factors, sentence) -> None:
    for measure in (mig, dci):
        with pytest.raises(InputError, match=sentence):
            measure(np.random.default_rng(0).normal(size=(10, 2)), factors)


def test_a_class_with_fewer_samples_than_folds_is_named() -> None:
    with pytest.raises(InputError, match="factor 'rare' has a class of only 2 samples"):
        dci(np.zeros((10, 2)), {"rare": [1, 1] + [0] * 8})
