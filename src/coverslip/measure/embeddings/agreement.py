"""How well clusters match known classes.

The measures are functions of one contingency table, so it is counted once, resampled without a loop, and they do not
depend on how clusters and classes are named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from coverslip.measure.inputs import Labels, check_length, encode
from coverslip.measure.intervals import Additive, Sums, resampled_by


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
