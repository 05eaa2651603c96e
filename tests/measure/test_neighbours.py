"""What neighbours say of a sample, and which samples show what a cluster is."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.measure import cluster_samples, nearest, neighbour_shares, worth_a_look
from coverslip.measure.embeddings import neighbours

LINE = np.array([[0.0], [1], [2], [10], [11], [12]])


def test_the_nearest_are_others() -> None:
    which, distance = nearest(LINE, k=2)
    assert [set(row) for row in which.tolist()[:3]] == [{1, 2}, {0, 2}, {0, 1}]
    np.testing.assert_array_equal(distance[0], [1, 2])
    same = np.zeros((4, 2))
    which, _ = nearest(same, k=2)
    assert all(row not in found for row, found in enumerate(which.tolist()))


def test_neighbours_are_looked_for_in_a_reference() -> None:
    which, distance = nearest([[9.0]], LINE, k=3)
    np.testing.assert_array_equal(which, [[3, 4, 5]])
    np.testing.assert_array_equal(distance, [[1, 2, 3]])
    with pytest.raises(InputError, match="2 dimensions, but those they are compared with 1"):
        nearest(np.zeros((1, 2)), LINE)


def test_shares_are_of_the_neighbours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = ["a", "a", "b", "b", "b", "b"]
    shares, names = neighbour_shares(LINE, classes, k=2)
    np.testing.assert_array_equal(names, ["a", "b"])
    np.testing.assert_array_equal(shares[:, 0], [0.5, 0.5, 1, 0, 0, 0])
    np.testing.assert_array_equal(neighbour_shares([[1.4]], classes, LINE, k=3)[0], [[2 / 3, 1 / 3]])
    monkeypatch.setattr(neighbours, "REFERENCES", 4)  # too many to ask all of them
    some, _ = neighbour_shares(LINE, classes, k=2)
    np.testing.assert_allclose(some.sum(axis=1), 1)


def test_a_cluster_is_shown_by_samples_amid_their_own_and_at_its_border() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (60, 2)), rng.normal(2.2, 1, (30, 2))])
    clusters = np.array(["many"] * 60 + ["few"] * 30)
    shares, names = neighbour_shares(x, clusters, k=8)
    own = shares[np.arange(90), np.searchsorted(names, clusters)]
    many, few = cluster_samples(x, clusters, own, count=5)
    assert [(each.name, each.size) for each in (many, few)] == [("many", 60), ("few", 30)]
    for each, other in ((many, 2.2), (few, 0.0)):
        assert (clusters[each.typical] == each.name).all()
        shown = [each.typical, each.borderline, each.random]
        assert len(set(np.concatenate(shown).tolist())) == 15
        gap = [np.linalg.norm(x[rows] - other, axis=1).mean() for rows in (each.typical, each.borderline)]
        assert gap[0] > gap[1] + 0.5
    (alone, _) = cluster_samples(x[:4], ["a", "a", "a", "b"], np.ones(4), count=5)
    assert (len(alone.typical), len(alone.borderline), len(alone.random)) == (1, 1, 1)


def test_doubtful_samples_from_all_over_the_map_are_worth_a_look() -> None:
    x = np.concatenate([np.zeros((50, 2)) + np.linspace(0, 1e-3, 50)[:, None], [[5.0, 0], [0, 5.0]], np.ones((20, 2))])
    certainty = np.r_[np.full(52, 0.4), np.ones(20)]
    certainty[3] = 0.1
    found = worth_a_look(x, certainty, 3)
    assert found[0] == 3
    assert set(found[1:]) == {50, 51}
    assert len(worth_a_look(x, np.ones(72), 3)) == 0
