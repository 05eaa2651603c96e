"""Whether samples have one mode, and whether two clusters have a gap between them."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.measure import cluster, dip, gaps
from coverslip.measure.embeddings.modes import dip_p_value, share_apart

REFERENCE = [0.03726026607002, 0.04346684063278, 0.04915644109990]


def test_the_dip_has_the_values_of_its_definition() -> None:
    assert dip([3, 3, 3]) == 0
    assert dip(np.arange(10)) == pytest.approx(1 / 20)  # one mode: half a step
    assert dip([0, 0, 1, 1]) == pytest.approx(1 / 4)  # two points
    assert dip(np.repeat(np.arange(12), 5)) == pytest.approx(1 / 24)  # even steps: the line through their middles
    # Two heaps of five: the line from (0, 0) to (10, 0.5) passes 1 at 0.05, where half of all lie.
    heaps = np.r_[np.linspace(0, 1, 5), np.linspace(10, 11, 5)]
    assert dip(heaps) == pytest.approx((0.5 - 0.05) / 2)
    assert dip(1 - 3 * heaps) == pytest.approx(dip(heaps))
    with pytest.raises(InputError, match="at least 2 finite"):
        dip([1.0, np.nan])


def test_dips_are_those_of_the_reference() -> None:
    """Values that R's and Python's diptest give for the same numbers."""
    rng = np.random.default_rng(5)
    found = [dip(rng.normal(size=60)), dip(rng.random(51)), dip(np.r_[rng.normal(size=30), rng.normal(4, 1, 20)])]
    assert found == pytest.approx(REFERENCE, abs=1e-12)


def test_chance_is_small_for_two_modes_and_not_for_one() -> None:
    rng = np.random.default_rng(0)
    two, one = np.r_[rng.normal(size=100), rng.normal(3.5, 1, 100)], rng.normal(size=200)
    assert dip_p_value(dip(two), 200) < 0.01
    assert dip_p_value(dip(one), 200) > 0.5
    evenly = [dip_p_value(dip(rng.random(80)), 80) for _ in range(60)]
    assert 0.25 < np.mean(evenly) < 0.75


def test_a_cloud_that_was_cut_has_no_gap_and_a_small_cluster_beside_a_large_one_has_one() -> None:
    rng = np.random.default_rng(1)
    cloud, small = rng.normal(size=(600, 3)), rng.normal([9, 0, 0], 0.6, (25, 3))
    x = np.concatenate([cloud, small])
    halves = np.where(cloud[:, 1] > 0.8, "up", "down")
    found = {(gap.one, gap.other): gap for gap in gaps(x, np.r_[halves, ["small"] * 25])}
    assert found["down", "up"].p > 0.3
    (beside,) = (gap for pair, gap in found.items() if "small" in pair)
    assert beside.p < 0.01
    assert share_apart(x, np.r_[halves, ["small"] * 25]) < 0.5
    assert share_apart(x, np.r_[["cloud"] * 600, ["small"] * 25]) == 1
    with pytest.raises(InputError, match="only one"):
        gaps(x, ["a"] * len(x))


def test_one_cloud_has_no_gap_however_many_clusters_it_is_cut_into() -> None:
    """Two of five parts of a cloud have two modes by themselves; what lies beside them fills the gap."""
    x = np.random.default_rng(0).normal(size=(600, 5))
    for k in (3, 5):
        assert share_apart(x, cluster(x, k).labels) == 0
