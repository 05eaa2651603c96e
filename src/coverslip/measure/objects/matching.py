"""Which predicted object is which true one: at most one for one, as many as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from coverslip.core import InputError
from coverslip.measure.objects.overlaps import Overlap

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""IoU 0.5, 0.55, …, 0.95: over these AP is averaged."""


@dataclass(frozen=True)
class Matching:
    """Pairs of true and predicted objects that are taken for the same.

    Parameters
    ----------
    truth, prediction : ndarray of int, shape (TP,)
        Positions in `Overlap.truth_ids` and `Overlap.prediction_ids`; none occurs twice.
    iou : ndarray of float, shape (TP,)
        Intersection over union of each pair.
    fp, fn : int
        Predicted objects without a true one, and true ones without a predicted one.
    """

    truth: np.ndarray = field(repr=False)
    prediction: np.ndarray = field(repr=False)
    iou: np.ndarray = field(repr=False)
    fp: int
    fn: int

    @property
    def tp(self) -> int:
        """Number of pairs."""
        return len(self.iou)


def match(overlap: Overlap, threshold: float = 0.5, *, strict: bool = False) -> Matching:
    """Match true and predicted objects whose IoU reaches a threshold, one for one.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.
    threshold : float
        Smallest IoU of a pair, above 0 and at most 1. It is compared without rounding errors.
    strict : bool
        Ask for more than the threshold.

    Returns
    -------
    Matching
        The largest possible number of pairs, as StarDist's ``matching`` counts, and among these the largest sum of
        IoU. From 0.5 on, each object of a label image has at most one partner, but for one case: an object that is
        divided into two exact halves has IoU 0.5 with both, and one of them is taken. Below 0.5, and where objects of
        one side may overlap, the pairs that compete are assigned optimally.

    Raises
    ------
    InputError
        If the threshold lies outside.

    References
    ----------
    Caicedo et al.: Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature Methods 16
    (2019); Schmidt et al.: Cell Detection with Star-Convex Polygons, MICCAI 2018 (StarDist).
    """
    rows = _rows(overlap, threshold, strict)
    alone = threshold >= 0.5 and overlap.disjoint
    return _matching(overlap, rows[_halves(overlap, rows) if alone else _assigned(overlap, rows)])


def match_best(overlap: Overlap) -> Matching:
    """Match true and predicted objects one for one so that the sum of IoU is largest, however small each may be.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    Matching
        For the IoU of every object. How many are found is asked of `match`.
    """
    return _matching(overlap, _assigned(overlap, np.arange(len(overlap.truth)), most=False))


def count_matches(overlap: Overlap, thresholds: Sequence[float] = THRESHOLDS) -> np.ndarray:
    """How many objects are matched at each of several thresholds.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.
    thresholds : sequence of float
        As for `match`, in any order.

    Returns
    -------
    ndarray of int, shape (T,)
        True positives; the others follow as ``n_predicted - TP`` and ``n_true - TP``.
    """
    if not overlap.disjoint:
        return np.array([match(overlap, t).tp for t in thresholds], dtype=np.int64)
    # Pairs from 0.5 on never compete, so that those of a higher threshold are some of the same pairs.
    iou = np.sort(match(overlap, 0.5).iou)
    counts = [
        len(iou) - np.searchsorted(iou, checked_threshold(t)) if t >= 0.5 else match(overlap, t).tp for t in thresholds
    ]
    return np.array(counts, dtype=np.int64)


def checked_threshold(threshold: float) -> float:
    """The number that is meant: a threshold reached by adding steps (0.7000000000000001) is the simple ratio, 0.7."""
    if not 0 < threshold <= 1:
        raise InputError(f"An IoU threshold lies above 0 and at most at 1, not at {threshold}.")
    return float(Fraction(float(threshold)).limit_denominator(10**6))


def _rows(overlap: Overlap, threshold: float, strict: bool) -> np.ndarray:
    threshold = checked_threshold(threshold)
    return np.flatnonzero(overlap.iou > threshold if strict else overlap.iou >= threshold)


def _halves(overlap: Overlap, rows: np.ndarray) -> np.ndarray:
    """The first row of each object. Competing rows are stars of two halves around a whole: any one is as good."""
    of_truth = np.unique(overlap.truth[rows], return_index=True)[1]
    of_both = np.unique(overlap.prediction[rows[of_truth]], return_index=True)[1]
    return np.sort(of_truth[of_both])


def _matching(overlap: Overlap, rows: np.ndarray) -> Matching:
    return Matching(
        overlap.truth[rows],
        overlap.prediction[rows],
        overlap.iou[rows],
        overlap.n_predicted - len(rows),
        overlap.n_true - len(rows),
    )


def _assigned(overlap: Overlap, rows: np.ndarray, most: bool = True) -> np.ndarray:
    """Rows that share no object, of the largest sum of IoU; among the sets with the most rows, or of all."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    truth, prediction = overlap.truth[rows], overlap.prediction[rows]
    alone = (np.bincount(truth)[truth] == 1) & (np.bincount(prediction)[prediction] == 1)
    contested = np.flatnonzero(~alone)
    if not len(contested):
        return np.arange(len(rows))
    t, p = (np.unique(x[contested], return_inverse=True)[1] for x in (truth, prediction))
    n, m = t.max() + 1, p.max() + 1
    # Each truth may also stay without a partner: where the most are wanted, at a price no sum of IoU makes up for.
    nobody = np.arange(n)
    gain = overlap.iou[rows[contested]] / (2 * n if most else 1)
    price = np.concatenate([2 - gain, np.full(n, 3.0 if most else 2.0)])
    choices = coo_array((price, (np.concatenate([t, nobody]), np.concatenate([p, m + nobody]))), shape=(n, m + n))
    partner = min_weight_full_bipartite_matching(choices.tocsr())[1]
    return np.sort(np.concatenate([np.flatnonzero(alone), contested[partner[t] == p]]))
