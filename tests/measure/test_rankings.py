"""Orders along a scale: what is measured is worked out by hand, or by another library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, somersd
from sklearn.metrics import cohen_kappa_score

from coverslip import measure
from coverslip.core import InputError

SIZES = (472, 103, 40)


def three(errors: int, middle: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """615 points of three classes, the outer two with so many errors between them."""
    classes = np.repeat([0, 1, 2], SIZES)
    outer = [code for code in (0, 1, 2) if code != middle]
    scores = np.empty(615)
    scores[classes == middle] = np.linspace(0.4, 0.6, SIZES[middle])
    scores[classes == outer[0]], scores[classes == outer[1]] = 0.1, 0.9
    wrong = np.flatnonzero(classes != middle)[:errors] if errors < 40 else None
    if wrong is None:
        low, high = (np.flatnonzero(classes == code) for code in outer)
        wrong = np.concatenate([low, high])[-errors:]
    scores[wrong] = 0.5
    return scores, classes


@pytest.mark.parametrize(("errors", "percent"), [(0, 100), (4, 99.35), (30, 95.12), (46, 92.52)])
def test_the_separation_is_that_of_a_table_worked_out_by_hand(errors: int, percent: float) -> None:
    scores, classes = three(errors)
    found = measure.separation_accuracy(scores, classes)
    assert (found.errors, found.n, found.middle) == (errors, 615, "1")
    assert round(100 * found.accuracy, 2) == percent
    assert found.floor == pytest.approx(103 / 615)


@pytest.mark.parametrize(("middle", "percent"), [(0, 76.75), (1, 16.75), (2, 6.50)])
def test_with_every_outer_point_wrong_it_is_the_share_of_the_middle_class(middle: int, percent: float) -> None:
    classes = np.repeat([0, 1, 2], SIZES)
    scores = np.where(classes == middle, 0.5, 0.5 + np.where(classes == (middle + 1) % 3, -0.01, 0.01))
    scores[np.flatnonzero(classes == middle)[:2]] = [0.4, 0.6]  # two outliers of the middle class are enough
    found = measure.separation_accuracy(scores, classes)
    assert round(100 * found.accuracy, 2) == round(100 * found.floor, 2) == percent
    assert found.errors == 615 - SIZES[middle]


def test_a_point_level_with_the_edge_of_the_middle_class_is_no_error() -> None:
    found = measure.separation_accuracy([1, 2, 2, 3, 3, 4], ["a", "a", "b", "b", "c", "c"])
    assert (found.errors, found.accuracy) == (0, 1)
    with pytest.raises(InputError, match="three classes; these are 2: a, b"):
        measure.separation_accuracy([1, 2], ["a", "b"])


def test_pairs_trend_and_concordance_agree_with_other_libraries() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 90)
    scores = np.round(truth + rng.normal(0, 2, 90))  # with ties
    pairs = measure.pairwise_auroc(scores, truth, (0, 1, 2, 3))
    for (a, b), area in pairs.items():
        low, high = scores[truth == int(a)], scores[truth == int(b)]
        assert area == pytest.approx(mannwhitneyu(high, low).statistic / (len(low) * len(high)))
    trend = measure.jonckheere_terpstra(scores, truth, (0, 1, 2, 3))
    assert trend.share == pytest.approx(measure.concordance(scores, truth))
    assert 2 * trend.share - 1 == pytest.approx(somersd(truth, scores).statistic)
    two = measure.jonckheere_terpstra(scores[truth < 2], truth[truth < 2], (0, 1))
    low, high = scores[truth == 0], scores[truth == 1]
    other = mannwhitneyu(high, low, alternative="greater", use_continuity=False, method="asymptotic")
    assert two.p == pytest.approx(other.pvalue)
    grades = measure.grades_by_rank(scores, truth)
    assert measure.weighted_kappa(scores, truth) == pytest.approx(cohen_kappa_score(truth, grades, weights="quadratic"))


def test_an_order_with_a_class_that_no_sample_has_is_refused() -> None:
    with pytest.raises(InputError, match="no sample of the class z"):
        measure.pairwise_auroc([1.0, 2.0], ["a", "b"], ("a", "b", "z"))


def test_look_alikes_outside_the_range_of_the_class_are_counted() -> None:
    found = measure.placement([0.5, 0.9], [0.4, 0.5, 0.7, 0.95])
    assert (found.outside, found.n, found.inside) == (2, 4, 0.5)


def test_scales_that_say_the_same_agree_whatever_samples_lack_a_score() -> None:
    scales = np.array([[1.0, 2, 3, 4], [10, 20, 30, np.nan], [4, 3, 2, 1]])
    tau = measure.kendall(scales)
    assert tau[0, 1] == 1
    assert tau[0, 2] == -1


def test_z_prime_and_scores_against_the_controls_of_their_plate() -> None:
    assert measure.z_prime([0, 0, 0], [1, 1, 1]) == 1
    assert measure.z_prime([-1, 1], [9, 11]) == pytest.approx(1 - 3 * 2 * np.sqrt(2) / 10)
    plates = np.repeat(["a", "b", "c"], 5)
    scores = np.array([0, 0, 2, 2, 1, 10, 10, 14, 14, 12, 5, 5, 9, 9, 6.0])
    low = np.tile([True, True, False, False, False], 3)
    high = np.tile([False, False, True, True, False], 3)
    found = measure.against_controls(scores, plates, low, high & (plates != "c"))
    assert found[[4, 9]] == pytest.approx([0.5, 0.5])
    assert found[14] == pytest.approx(1 / 3)  # shifted to its own zero, with the usual length of the way


def test_a_dose_curve_finds_the_parameters_it_was_drawn_from() -> None:
    rng = np.random.default_rng(1)
    doses = np.repeat([0, 0.1, 0.3, 1, 3, 10, 30], 6)
    truth = 0.1 + 0.8 * doses**1.5 / (2**1.5 + doses**1.5)
    found = measure.dose_curve(doses, truth + rng.normal(0, 0.03, len(doses)))
    assert found.ec50_low < 2 < found.ec50_high
    assert found.effect_low < 0.8 < found.effect_high
    assert found.inside
    assert found.p < 1e-10
    assert found.response([2.0]) == pytest.approx([0.5], abs=0.05)
    flat = measure.dose_curve(doses, rng.normal(0, 1, len(doses)))
    assert flat.p > 0.05
    with pytest.raises(InputError, match="at least 4 different doses"):
        measure.dose_curve([0, 1, 2], [0, 1, 2])


def test_a_start_that_leads_nowhere_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import optimize

    doses, fitted, calls = np.repeat([0, 0.1, 1, 10, 100], 3), optimize.curve_fit, []

    def once(*arguments: object, **more: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise RuntimeError("no end of it")
        return fitted(*arguments, **more)

    monkeypatch.setattr(optimize, "curve_fit", once)
    found = measure.dose_curve(doses, doses**1.5 / (2**1.5 + doses**1.5))
    assert found.ec50 == pytest.approx(2, rel=0.01)
    assert len(calls) == 4
    monkeypatch.setattr(optimize, "curve_fit", lambda *a, **k: (_ for _ in ()).throw(RuntimeError("never")))
    with pytest.raises(InputError, match="No curve of four parameters fits"):
        measure.dose_curve(doses, doses)


def wells(effects: list[float], spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    names, plates = np.repeat(np.arange(len(effects)), 24), np.tile(np.repeat([0, 1, 2], 8), len(effects))
    return np.array(effects)[names] + rng.normal(0, spread, len(names)), names, plates


def test_treatments_are_ranked_from_their_wells_with_intervals() -> None:
    found = measure.standing(*wells([0.5, 0, 1], 0.2), n=300)
    assert found.names == ("1", "0", "2")
    assert found.rank.tolist() == found.rank_low.tolist() == found.rank_high.tolist() == [1, 2, 3]
    assert found.resolved == 1
    assert found.p < 0.01
    alike = measure.standing(*wells([0, 0, 0], 0.2), n=300)
    assert alike.p > 0.05
    assert (alike.rank_high - alike.rank_low).max() == 2


@pytest.mark.parametrize(
    ("effects", "controls", "word"),
    [
        ([0, 0.5, 1], 20, "ordered"),
        ([0, 0, 0], 20, "cannot tell"),
        ([0, 0.5, 1], 3, "too few pairs"),
        ([0, 0.02, 0.04, 0.06, 1], 20, "partly"),
    ],
)
def test_the_verdict_says_what_can_be_told(effects: list[float], controls: int, word: str) -> None:
    rng = np.random.default_rng(3)
    low, high = rng.normal(0, 0.1, controls), rng.normal(1, 0.1, controls)
    found = measure.verdict(
        measure.standing(*wells(effects, 0.15), n=200),
        low=low,
        high=high,
        z_prime=measure.z_prime(low, high),
        agreement=0.8,
    )
    assert found.word == word


def test_controls_that_are_alike_make_a_scale_say_nothing() -> None:
    rng = np.random.default_rng(4)
    low, high = rng.normal(0, 1, 20), rng.normal(0, 1, 20)
    found = measure.verdict(
        measure.standing(*wells([0, 1, 2], 0.1), n=100), low=low, high=high, z_prime=-5, agreement=1
    )
    assert found.word == "cannot tell"
    assert "controls" in found.why


def test_the_table_of_a_ranking_has_the_floor_beside_the_accuracy() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat(["a", "b", "c"], 20)
    scores = np.repeat([0.0, 1, 2], 20) + rng.normal(0, 0.3, 60)
    rows = {row["measure"]: row for row in measure.evaluate_ranking({"x": scores}, truth, ("a", "b", "c"))}
    assert rows["separation_floor"]["value"] == pytest.approx(1 / 3)
    assert rows["spearman"]["low"] <= rows["spearman"]["value"] <= rows["spearman"]["high"]
    assert rows["auroc a < c"]["value"] == 1
