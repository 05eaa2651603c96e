"""Clusters: finding them, how well they are separated, and how well they match known classes.

The comparisons with classes are functions of one contingency table, so they are counted once, resampled without a loop,
and do not depend on how clusters and classes are named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from coverslip.core import InputError, track
from coverslip.core.words import number_of
from coverslip.measure.inputs import Labels, as_features, check_length, encode
from coverslip.measure.intervals import Additive, Sums, resampled_by
from coverslip.measure.threads import few_threads

SILHOUETTE_SAMPLES = 5000
"""Above this number of samples, the silhouette is that of a random part of them."""


def contingency(clusters: Any, classes: Any) -> np.ndarray:
    """How many samples each cluster and each class share.

    Parameters
    ----------
    clusters, classes : array, shape (N,)
        Labels of any kind; their names are sorted.

    Returns
    -------
    ndarray of int, shape (clusters, classes)
    """
    rows, columns = _encoded(clusters, classes)
    r, c = len(rows.classes), len(columns.classes)
    return np.bincount(rows.codes * c + columns.codes, minlength=r * c).reshape(r, c)


def _encoded(clusters: Any, classes: Any) -> tuple[Labels, Labels]:
    rows, columns = encode(clusters, "clusters"), encode(classes, "classes")
    check_length(columns.codes, len(rows.codes), "classes")
    return rows, columns


class _Tables(NamedTuple):
    """Contingency tables of the same samples, resampled: only their cells that may hold one.

    Parameters
    ----------
    cells : ndarray, shape (B, U)
        Counts, row by row.
    rows, columns : ndarray, shape (B, r) and (B, c)
        Sums of the rows and columns.
    row, column : ndarray of int, shape (U,)
        Where each cell is.
    """

    cells: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    row: np.ndarray
    column: np.ndarray


def _of_tables(finish: Callable[[_Tables], np.ndarray]) -> Additive:
    """A function of contingency tables: each sample counts for its cell, its row and its column."""

    def summarise(clusters: Any, classes: Any) -> Sums:
        from scipy.sparse import csr_array

        rows, columns = _encoded(clusters, classes)
        r, c = len(rows.classes), len(columns.classes)
        codes = rows.codes * c + columns.codes
        found = np.unique(codes)  # of k x k cells few hold a sample where k is large
        row, column = np.divmod(found, c)
        u = len(found)
        adds = np.stack([np.arange(u), u + row, u + r + column], axis=1).ravel()
        table = csr_array((np.ones(3 * u), (np.repeat(found, 3), adds)), shape=(r * c, u + r + c))

        def of_sums(sums: np.ndarray) -> np.ndarray:
            return finish(_Tables(sums[:, :u], sums[:, u : u + r], sums[:, u + r :], row, column))

        return Sums(codes, table, of_sums)

    return Additive(summarise)


def _pairs(counts: np.ndarray) -> np.ndarray:
    return (counts * (counts - 1) / 2).sum(axis=1)


def _ari(tables: _Tables) -> np.ndarray:
    together, rows, columns = _pairs(tables.cells), _pairs(tables.rows), _pairs(tables.columns)
    everything = _pairs(tables.rows.sum(axis=1, keepdims=True))
    expected = rows * columns / np.maximum(everything, 1)
    most = (rows + columns) / 2
    same = most == expected  # one cluster and one class, or as many of each as samples
    return np.where(same, 1.0, (together - expected) / np.where(same, 1, most - expected))


def _nmi(tables: _Tables) -> np.ndarray:
    from scipy.special import entr

    total = tables.rows.sum(axis=1, keepdims=True)
    of_cells, of_rows, of_columns = (entr(counts / total).sum(axis=1) for counts in tables[:3])  # nats
    shared = np.maximum(of_rows + of_columns - of_cells, 0)
    average = (of_rows + of_columns) / 2
    single = average < 1e-15  # one cluster and one class
    return np.where(single, 1.0, np.minimum(shared / np.where(single, 1, average), 1))


def _matched(tables: _Tables) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment

    whole = np.zeros((tables.rows.shape[1], tables.columns.shape[1]))
    matched = np.empty(len(tables.cells))
    for i, cells in enumerate(tables.cells):
        whole[tables.row, tables.column] = cells
        matched[i] = whole[linear_sum_assignment(whole, maximize=True)].sum()
    return matched / tables.rows.sum(axis=1)


def _purity(tables: _Tables) -> np.ndarray:
    starts = np.searchsorted(tables.row, np.arange(tables.rows.shape[1]))
    return np.maximum.reduceat(tables.cells, starts, axis=1).sum(axis=1) / tables.rows.sum(axis=1)


_ARI, _NMI, _MATCHED, _PURITY = map(_of_tables, (_ari, _nmi, _matched, _purity))


@resampled_by(_ARI)
def adjusted_rand_index(clusters: Any, classes: Any) -> float:
    """Agreement of two partitions over pairs of samples, corrected for chance.

    Parameters
    ----------
    clusters, classes : array, shape (N,)
        Labels of any kind.

    Returns
    -------
    float
        1 for the same partition, 0 expected by chance, negative below that.

    References
    ----------
    Hubert, Arabie: Comparing partitions, Journal of Classification 2 (1985), equation 5.
    """
    return _ARI(clusters, classes)


@resampled_by(_NMI)
def normalised_mutual_information(clusters: Any, classes: Any) -> float:
    """Mutual information of two partitions over the mean of their entropies.

    Parameters
    ----------
    clusters, classes : array, shape (N,)
        Labels of any kind.

    Returns
    -------
    float
        From 0 (independent) to 1 (the same partition). Not corrected for chance: many small clusters raise it.

    References
    ----------
    Vinh, Epps, Bailey: Information theoretic measures for clusterings comparison, JMLR 11 (2010), table 2.
    """
    return _NMI(clusters, classes)


@resampled_by(_MATCHED)
def clustering_accuracy(clusters: Any, classes: Any) -> float:
    """Share of samples that are right under the best one-to-one matching of clusters to classes.

    Parameters
    ----------
    clusters, classes : array, shape (N,)
        Labels of any kind, in any numbers: clusters or classes left over match nothing.

    Returns
    -------
    float
        From 0 to 1; higher is better. The matching is chosen on the same samples, so the value flatters small samples.

    References
    ----------
    Kuhn: The Hungarian method for the assignment problem, Naval Research Logistics 2 (1955).
    """
    return _MATCHED(clusters, classes)


@resampled_by(_PURITY)
def purity(clusters: Any, classes: Any) -> float:
    """Share of samples that belong to the most frequent class of their cluster.

    Parameters
    ----------
    clusters, classes : array, shape (N,)
        Labels of any kind.

    Returns
    -------
    float
        From 0 to 1; higher is better. It reaches 1 with one cluster per sample: compare equal numbers of clusters.
    """
    return _PURITY(clusters, classes)


def silhouette_samples(
    features: Any, clusters: Any, *, max_samples: int = SILHOUETTE_SAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Silhouette of each sample: whether it is nearer to its own cluster than to the next.

    Parameters
    ----------
    features, clusters, max_samples, seed
        As for `silhouette`.

    Returns
    -------
    values : ndarray of float, shape (min(N, max_samples),)
        From -1 to 1; 0 for the only sample of a cluster.
    samples : ndarray of int
        Which samples these are, in ascending order.
    """
    from sklearn.metrics import silhouette_samples as of_samples

    x, labels = as_features(features), encode(clusters, "clusters")
    check_length(labels.codes, len(x), "clusters")
    samples = np.arange(len(x))
    if len(x) > max_samples:
        samples = np.sort(np.random.default_rng(seed).choice(len(x), max_samples, replace=False))
    codes = labels.codes[samples]
    number = len(np.unique(codes))
    if not 2 <= number < len(samples):
        raise InputError(
            "A silhouette needs at least 2 clusters and more samples than clusters, not "
            f"{number_of(number, 'cluster')} of {number_of(len(samples), 'sample')}."
        )
    with few_threads(x.size):
        return of_samples(x[samples], codes), samples


def silhouette(features: Any, clusters: Any, *, max_samples: int = SILHOUETTE_SAMPLES, seed: int = 0) -> float:
    """Mean silhouette: how much nearer samples are to their own cluster than to the next one.

    Parameters
    ----------
    features : array, shape (N, D)
        Compared by Euclidean distance.
    clusters : array, shape (N,)
        Cluster (or class) of each sample.
    max_samples : int
        Above this number, the mean of so many samples drawn with `seed`: distances between all pairs are needed.
    seed : int
        For that draw.

    Returns
    -------
    float
        From -1 to 1; higher is better separated, 0 for clusters that overlap.

    Raises
    ------
    InputError
        If there are fewer than 2 clusters, or as many as samples.

    References
    ----------
    Rousseeuw: Silhouettes, Journal of Computational and Applied Mathematics 20 (1987).
    """
    return float(silhouette_samples(features, clusters, max_samples=max_samples, seed=seed)[0].mean())


@dataclass(frozen=True)
class Clustering:
    """Clusters that were found.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
        Cluster of each sample; 0 is the largest.
    k : int
        Number of clusters.
    centres : ndarray of float, shape (k, D)
        In the units of the features.
    silhouettes : dict of int to float
        The mean silhouette of each number of clusters that was tried; empty where the number was given.
    """

    labels: np.ndarray = field(repr=False)
    k: int
    centres: np.ndarray = field(repr=False)
    silhouettes: dict[int, float]


def cluster(
    features: Any,
    k: int | Literal["auto"] = "auto",
    *,
    k_max: int = 10,
    standardise: bool = False,
    max_samples: int = SILHOUETTE_SAMPLES,
    seed: int = 0,
) -> Clustering:
    """Clusters by k-means, with the number of them found by the silhouette.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    k : int or "auto"
        Number of clusters; ``"auto"`` takes the one of 2 to `k_max` with the largest mean silhouette.
    k_max : int
        Largest number to try.
    standardise : bool
        Bring features to unit variance first, for measurements in different units.
    max_samples : int
        The number of clusters is found on at most so many samples, drawn with `seed`.
    seed : int
        The same seed gives the same clusters.

    Returns
    -------
    Clustering
        With a single cluster where fewer than 3 different samples leave nothing to choose. ``"auto"`` never finds that
        there are no clusters: look at ``silhouettes`` (above about 0.5 they are clear, below 0.25 there may be none).

    Raises
    ------
    InputError
        If `k` is larger than the number of different samples.
    """
    x = as_features(features)
    scale = np.ones(x.shape[1])
    if standardise:
        deviation = x.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1)
    x = x / scale
    different = len(np.unique(x, axis=0))
    silhouettes: dict[int, float] = {}
    if k == "auto":
        some = x
        if len(x) > max_samples:
            some = x[np.sort(np.random.default_rng(seed).choice(len(x), max_samples, replace=False))]
            different = len(np.unique(some, axis=0))
        tried = range(2, min(k_max, different - 1) + 1)
        for number in track(tried, "Finding the number of clusters"):
            silhouettes[number] = silhouette(some, _kmeans(some, number, seed)[0])
        number = max(silhouettes, key=lambda tried: silhouettes[tried], default=1)
    elif not 1 <= k <= different:
        raise InputError(
            f"There cannot be {number_of(k, 'cluster')} of {number_of(different, 'different sample')}; ask for 1 to "
            f"{different}."
        )
    else:
        number = k
    labels, centres = _kmeans(x, number, seed)
    order = np.argsort(-np.bincount(labels, minlength=number), kind="stable")
    rank = np.argsort(order)
    return Clustering(rank[labels], number, centres[order] * scale, silhouettes)


def _kmeans(x: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans

    with few_threads(x.size):
        model = KMeans(k, n_init=10, max_iter=1000, random_state=seed).fit(x)
    return model.labels_, model.cluster_centers_
