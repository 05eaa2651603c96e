"""Agreement of clusters with classes equals scikit-learn and hand counts, whatever the clusters are called."""

import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.datasets import make_blobs

from coverslip.core.errors import InputError
from coverslip.measure import (
    adjusted_rand_index,
    balanced_accuracy,
    bootstrap,
    cluster,
    clustering_accuracy,
    contingency,
    normalised_mutual_information,
    paired_difference,
    purity,
    silhouette,
)
from coverslip.measure.embeddings.silhouettes import silhouette_samples

partitions = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n), st.lists(st.integers(0, 5), min_size=n, max_size=n)
    )
)


def test_a_contingency_table_counts_what_clusters_and_classes_share() -> None:
    table = contingency([5, 5, 7, 7, 7], ["b", "a", "a", "a", "c"])
    assert table.tolist() == [[1, 1, 0], [2, 0, 1]]


def test_accuracy_and_purity_of_a_small_example_are_those_counted_by_hand() -> None:
    clusters = [0, 0, 0, 1, 1, 1, 2, 2]
    classes = list("aababbbb")
    assert clustering_accuracy(clusters, classes) == 4 / 8  # cluster 0 is a; 1 or 2 is b: one of them is left over
    assert purity(clusters, classes) == 6 / 8


@given(partitions)
def test_ari_nmi_and_accuracy_equal_their_references(pair) -> None:
    clusters, classes = map(np.array, pair)
    assert adjusted_rand_index(clusters, classes) == pytest.approx(metrics.adjusted_rand_score(classes, clusters))
    expected = metrics.normalized_mutual_info_score(classes, clusters)
    assert normalised_mutual_information(clusters, classes) == pytest.approx(expected, abs=1e-9)
    table = contingency(clusters, classes)
    table = table if table.shape[0] <= table.shape[1] else table.T
    best = max(sum(table[i, j] for i, j in enumerate(p)) for p in permutations(range(table.shape[1]), len(table)))
    assert clustering_accuracy(clusters, classes) == best / len(classes)


@given(partitions, st.permutations(range(6)))
def test_names_and_order_change_nothing(pair, names) -> None:
    clusters, classes = map(np.array, pair)
    renamed = np.array([f"cluster {names[c]}" for c in clusters])
    order = np.random.default_rng(0).permutation(len(classes))
    for measure in (adjusted_rand_index, normalised_mutual_information, clustering_accuracy, purity):
        assert measure(renamed[order], classes[order]) == pytest.approx(measure(clusters, classes))


@given(partitions)
def test_values_stay_in_their_ranges_and_purity_is_at_least_accuracy(pair) -> None:
    clusters, classes = pair
    assert -1 <= adjusted_rand_index(clusters, classes) <= 1
    assert 0 <= normalised_mutual_information(clusters, classes) <= 1
    assert 0 < clustering_accuracy(clusters, classes) <= purity(clusters, classes) <= 1
    assert adjusted_rand_index(classes, classes) == 1
    assert clustering_accuracy(classes, classes) == 1


def test_silhouette_equals_scikit_learn_and_is_subsampled_the_same_way_each_time() -> None:
    x, y = make_blobs(300, centers=3, random_state=0)
    assert silhouette(x, y) == pytest.approx(metrics.silhouette_score(x, y))
    assert silhouette(x, y, max_samples=100) == silhouette(x, y, max_samples=100)
    values, samples = silhouette_samples(x, y, max_samples=100, seed=3)
    assert values.mean() == pytest.approx(metrics.silhouette_score(x[samples], y[samples]))


def test_a_silhouette_needs_two_clusters() -> None:
    with pytest.raises(InputError, match="at least 2 clusters"):
        silhouette(np.zeros((5, 2)), np.zeros(5, int))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_number_of_well_separated_clusters_is_found(k) -> None:
    x, y = make_blobs(60 * k, centers=[[10 * np.cos(6.28 * i / k), 10 * np.sin(6.28 * i / k)] for i in range(k)])
    found = cluster(x)
    assert found.k == k
    assert clustering_accuracy(found.labels, y) == 1
    assert max(found.silhouettes, key=found.silhouettes.__getitem__) == k


def test_clusters_are_the_same_each_time_largest_first_with_their_centres_in_the_units_of_the_features() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal([0, 0], 0.1, size=(30, 2)), rng.normal([5, 500], 0.1, size=(70, 2))])
    found, again = cluster(x, 2, standardise=True), cluster(x, 2, standardise=True)
    np.testing.assert_array_equal(found.labels, again.labels)
    assert np.bincount(found.labels).tolist() == [70, 30]
    assert found.centres == pytest.approx(np.array([x[30:].mean(axis=0), x[:30].mean(axis=0)]))


def test_standardising_lets_a_feature_in_small_units_decide() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 2
    x = np.stack([truth * 0.01 + rng.normal(scale=0.001, size=200), rng.normal(scale=100, size=200)], axis=1)
    assert clustering_accuracy(cluster(x, 2).labels, truth) < 0.7
    assert clustering_accuracy(cluster(x, 2, standardise=True).labels, truth) > 0.95


def test_the_number_is_found_on_a_part_and_every_sample_gets_a_cluster() -> None:
    x, y = make_blobs(900, centers=[[0, 0], [20, 0], [0, 20]], random_state=1)
    found = cluster(x, max_samples=100)
    assert found.k == 3
    assert clustering_accuracy(found.labels, y) == 1


@pytest.mark.parametrize("samples", [np.zeros((4, 2)), np.ones((1, 3)), np.array([[0.0], [1.0], [1.0]])])
def test_too_few_different_samples_are_one_cluster(samples) -> None:
    assert cluster(samples).labels.tolist() == [0] * len(samples)


def test_more_clusters_than_different_samples_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be 3 clusters of 2 different samples"):
        cluster(np.array([[0.0], [1.0], [1.0]]), 3)


# Value and interval over samples, BCa interval over groups: from whole tables, before only their cells were kept.
RECORDED = [
    (
        adjusted_rand_index,
        (0.430212858362, 0.374106226419, 0.503294052832, 0.369853605521, 0.482276637398),
    ),
    (
        normalised_mutual_information,
        (0.451270912898, 0.406784176061, 0.535143855299, 0.374776386322, 0.499495012236),
    ),
    (clustering_accuracy, (0.6575, 0.6136875, 0.705, 0.61, 0.7017386807516971)),
    (purity, (0.6575, 0.6136875, 0.705, 0.61, 0.7017386807516971)),
    (balanced_accuracy, (0.6832148968814493, 0.6398704387185995, 0.7285629815433234, 0.628732866687, 0.726725648935)),
]


@pytest.mark.parametrize(("statistic", "recorded"), RECORDED, ids=lambda v: getattr(v, "__name__", ""))
def test_intervals_are_those_of_whole_contingency_tables(statistic, recorded) -> None:
    rng = np.random.default_rng(11)
    classes = rng.integers(6, size=400)
    clusters = np.where(rng.random(400) < 0.7, classes % 5, rng.integers(5, size=400))
    samples = bootstrap(statistic, clusters, classes, n=500, seed=1)
    groups = bootstrap(statistic, clusters, classes, groups=np.arange(400) // 20, n=500, seed=1, method="bca")
    assert (samples.value, samples.low, samples.high, groups.low, groups.high) == pytest.approx(recorded, rel=1e-11)


def many_classes(k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    classes = rng.permutation(n) % k
    return np.where(rng.random(n) < 0.6, classes, rng.integers(k, size=n)), classes


@pytest.mark.parametrize(
    ("statistic", "reference"),
    [
        (adjusted_rand_index, metrics.adjusted_rand_score),
        (normalised_mutual_information, metrics.normalized_mutual_info_score),
        (purity, None),
        (balanced_accuracy, None),
    ],
)
@pytest.mark.parametrize("groups", [None, np.arange(2000) // 20], ids=["samples", "groups"])
def test_hundreds_of_classes_need_memory_for_samples_not_for_pairs_of_cells(statistic, reference, groups) -> None:
    clusters, classes = many_classes(384, 2000)
    tracemalloc.start()
    found = bootstrap(statistic, clusters, classes, groups=groups, n=200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        peak < 200e6
    )  # 384 x 384 cells for each of 384 x 384 cells would be 174 GB, for each of 200 resamplings 236 MB
    assert found.low <= found.value <= found.high
    assert found.low < found.high
    if reference is not None:
        assert found.value == pytest.approx(reference(classes, clusters))


def test_two_clusterings_into_hundreds_are_compared_in_pairs() -> None:
    clusters, classes = many_classes(384, 2000)
    found = paired_difference(adjusted_rand_index, clusters, classes, classes, n=100)
    assert found.value == pytest.approx(adjusted_rand_index(clusters, classes) - 1)
    assert found.high < 0
