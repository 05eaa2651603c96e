"""Clusters that come back, batches that show, treatments that are found again on another plate."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.measure import batch_mixing, cluster_stability, evaluate_trust, retrieval
from coverslip.measure.embeddings.trust import batch_column

RNG = np.random.default_rng(0)
PLATES = np.repeat(["p1", "p2", "p3"], 40)
TREATMENTS = np.tile(np.repeat(["dmso", "drug"], 20), 3)
ONE_HOT = (TREATMENTS == "drug")[:, None] * np.array([6.0, 0, 0, 0])
OF_PLATE = np.repeat(np.eye(4)[1:], 40, axis=0) * 8
NOISE = RNG.normal(size=(120, 4))


def test_clear_clusters_come_back_and_those_of_noise_do_not() -> None:
    clear = cluster_stability(NOISE + 2 * ONE_HOT, 2, runs=4)
    vague = cluster_stability(NOISE, 5, runs=4)
    assert clear.ari > 0.98
    assert vague.ari < 0.6
    assert clear.low <= clear.ari <= clear.high
    with pytest.raises(InputError, match="At least two"):
        cluster_stability(NOISE, 2, runs=1)


def test_mixing_is_about_one_where_batches_are_mixed_and_none_where_they_lie_apart() -> None:
    assert batch_mixing(NOISE, PLATES).mean() == pytest.approx(1, abs=0.08)
    assert batch_mixing(NOISE + OF_PLATE, PLATES).mean() < 0.02
    uneven = np.r_[["a"] * 110, ["b"] * 10]
    assert batch_mixing(NOISE, uneven).mean() == pytest.approx(1, abs=0.25)
    with pytest.raises(InputError, match="two of them"):
        batch_mixing(NOISE, ["a"] * 120)


def test_average_precision_is_that_of_its_definition() -> None:
    """By hand: of the sample ranked against another plate, right ones stand at the places 1 and 3."""
    angle = np.deg2rad([0, 10, 20, 30, 100])
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = retrieval(x, ["a", "a", "b", "a", "b"], ["p", "q", "q", "q", "q"], permutations=20)
    assert found.treatments == ["a"]
    # The three of plate q find the one of plate p, which is all there is: 1 each.
    assert found.value[0] == pytest.approx(((1 / 1 + 2 / 3) / 2 + 1 + 1) / 3)


def test_a_treatment_is_found_again_across_plates_beyond_chance() -> None:
    found = retrieval(NOISE + ONE_HOT, TREATMENTS, PLATES, permutations=60)
    assert found.treatments == ["dmso", "drug"]
    assert (found.p < 0.05).all()
    assert (found.value > found.chance + 0.1).all()
    nothing = retrieval(NOISE, TREATMENTS, PLATES, permutations=60)
    assert (nothing.p > 0.05).any()
    assert nothing.samples.value == pytest.approx(nothing.chance.mean(), abs=0.06)


def test_a_frequent_treatment_is_not_found_by_its_frequency() -> None:
    """Of noise neither treatment is found: each is compared with shuffled ones that are as frequent as itself."""
    uneven = np.tile(np.repeat(["dmso", "drug"], [32, 8]), 3)
    found = retrieval(np.random.default_rng(3).normal(size=(120, 4)), uneven, PLATES, permutations=60)
    assert found.chance == pytest.approx([0.81, 0.24], abs=0.04)
    assert (found.p > 0.05).all()


def test_what_a_plate_did_to_its_cells_retrieves_nothing() -> None:
    """Each treatment on a plate of its own, and a second plate that shares neither: no neighbour counts."""
    with pytest.raises(InputError, match="in two batches"):
        retrieval(NOISE, np.where(PLATES == "p1", "drug", "dmso"), np.where(PLATES == "p1", "p1", "p2"))
    with pytest.raises(InputError, match="one treatment"):
        retrieval(NOISE, ["dmso"] * 120, PLATES)


def test_the_table_has_what_the_columns_allow() -> None:
    alone = evaluate_trust(NOISE, clusters=2)
    assert [row.measure for row in alone.rows] == ["stability of clusters"]
    whole = evaluate_trust(
        NOISE + ONE_HOT, clusters=2, batches=("plate", PLATES), treatments=TREATMENTS, baselines={"PCA 2": NOISE[:, :2]}
    )
    measures = ["stability of clusters", "mixing of plate", "silhouette of plate"]
    measures.append("retrieval mAP of treatment across plate")
    assert [(row.features, row.measure) for row in whole.rows] == [
        (features, measure) for features in ("latent", "PCA 2") for measure in measures
    ]
    assert whole.get("mixing of plate").value == pytest.approx(batch_mixing(NOISE + ONE_HOT, PLATES).mean())
    assert "2 of 2 treatments" in whole.get(measures[-1]).note


def test_the_batch_is_the_first_column_that_has_several() -> None:
    columns = {"day": np.array([1, 2, 2]), "plate": np.array(["a", "a", ""], dtype=object)}
    assert batch_column(columns) == "day"
    assert batch_column({"well": np.array(["A1", "A2"])}) is None
