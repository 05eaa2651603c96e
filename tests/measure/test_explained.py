"""What a cluster goes with is the fact that tells it best from all others."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core import Embedding
from coverslip.measure import explained_by
from coverslip.results.embedding.clusters import about_clusters

CLUSTERS = np.repeat(["1", "2", "10"], 20)
FACTS = {
    "touches_border": np.arange(60) % 20 < np.repeat([18, 2, 2], 20),
    "area_um2": np.r_[np.arange(20), 100 + np.arange(20), np.arange(20) + 0.5],
    "image": np.array([f"{i}.tif" for i in range(60)]),
    "plate": np.full(60, "A"),
}


def test_each_cluster_has_the_fact_that_tells_it_best() -> None:
    border, large = explained_by(CLUSTERS, FACTS)[:2]
    assert (border.cluster, border.column, border.value) == ("1", "touches_border", "True")
    assert (border.inside, border.outside, border.strength) == pytest.approx((0.9, 0.1, 0.8))
    assert (large.cluster, large.column, large.value, large.strength) == ("2", "area_um2", "higher", 1.0)
    assert (large.inside, large.outside) == (109.5, pytest.approx(np.median(FACTS["area_um2"][CLUSTERS != "2"])))
    assert [one.cluster for one in explained_by(CLUSTERS, FACTS, least=0.9)] == ["2"]


def test_facts_that_are_missing_or_all_the_same_explain_nothing() -> None:
    odd = {"a": np.full(60, np.nan), "b": np.ones(60), "c": np.where(CLUSTERS == "1", np.nan, 3.0)}
    assert explained_by(CLUSTERS, odd) == []
    assert explained_by(np.ones(60), FACTS) == []


def test_the_page_says_how_far_clusters_are_apart_and_what_they_go_with() -> None:
    latent = np.random.default_rng(0).normal(size=(60, 2))
    cells = Embedding.from_arrays(latent, {**FACTS, "cluster": CLUSTERS})
    (said, between), rows = about_clusters(cells, "cluster")
    assert said.startswith("k-means always finds groups")
    assert "these 3 is -0.0" in said
    assert between.startswith("There is no gap between any of them")
    apart = Embedding.from_arrays(latent + 20 * (CLUSTERS == "1")[:, None], {"cluster": CLUSTERS})
    assert about_clusters(apart, "cluster")[0][1].startswith("There is no gap (dip test) between 10 and 2: look")
    assert rows[0] == pytest.approx(
        {"cluster": "1", "goes with": "touches_border: True", "in it": 0.9, "elsewhere": 0.1, "strength": 0.8}
    )
    assert about_clusters(cells, "none") == ([], [])
    of_others = about_clusters(Embedding.from_arrays(latent, {"type": CLUSTERS}), "type")
    assert of_others[0][0].startswith("The silhouette")
