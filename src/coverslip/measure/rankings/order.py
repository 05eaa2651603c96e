"""How well scores follow a known order of classes: pairs, trend, concordance, grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.rankings.separation import finite, listed


@dataclass(frozen=True)
class Trend:
    """A test for a trend over ordered classes.

    Parameters
    ----------
    statistic : float
        Pairs of different classes whose scores are in the order of the classes; ties count half.
    share : float
        The same as a share of all such pairs, which is the C-index of the classes: .5 without a trend.
    z : float
        Distance from what is expected without a trend, in its standard deviations.
    p : float
        One-sided, for a rise.
    """

    statistic: float
    share: float
    z: float
    p: float


def levels(classes: Any, order: Sequence[Any]) -> np.ndarray:
    """The place of each class in the order, from 0; -1 where it is not in it."""
    place = {str(name): i for i, name in enumerate(order)}
    return np.array([place.get(str(value), -1) for value in np.asarray(classes).tolist()])


def pairwise_auroc(scores: Any, classes: Any, order: Sequence[Any]) -> dict[tuple[str, str], float]:
    """For each two classes of an order: how often a point of the later one has the higher score; ties count half.

    Parameters
    ----------
    scores, classes : array, shape (N,)
    order : sequence
        The classes from low to high; points of others are left out.

    Raises
    ------
    InputError
        If a class of the order has no point.
    """
    parts = _parts(scores, levels(classes, order), order)
    return {
        (str(order[i]), str(order[j])): _wins(parts[i], parts[j]) / (len(parts[i]) * len(parts[j]))
        for i in range(len(order))
        for j in range(i + 1, len(order))
    }


def jonckheere_terpstra(scores: Any, classes: Any, order: Sequence[Any]) -> Trend:
    """Test for a rise over ordered classes, by the normal approximation with ties.

    Parameters
    ----------
    scores, classes, order
        As for `pairwise_auroc`.

    References
    ----------
    Jonckheere, Biometrika 41 (1954); the variance with ties after Hollander, Wolfe and Chicken: Nonparametric
    Statistical Methods, 2014, equation 6.19.
    """
    parts = _parts(scores, levels(classes, order), order)
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    ties = np.unique(np.concatenate(parts), return_counts=True)[1].astype(np.float64)
    n = sizes.sum()
    statistic = sum(_wins(parts[i], parts[j]) for i in range(len(parts)) for j in range(i + 1, len(parts)))
    pairs = (n**2 - (sizes**2).sum()) / 2

    def first(count: Any) -> Any:
        return count * (count - 1) * (2 * count + 5)

    def second(count: Any) -> Any:
        return count * (count - 1) * (count - 2)

    variance = (first(n) - first(sizes).sum() - first(ties).sum()) / 72
    if n > 2:
        variance += second(sizes).sum() * second(ties).sum() / (36 * second(n))
    variance += (sizes * (sizes - 1)).sum() * (ties * (ties - 1)).sum() / (8 * n * (n - 1))
    from scipy.special import ndtr

    z = float((statistic - pairs / 2) / np.sqrt(variance)) if variance > 0 else 0.0
    return Trend(float(statistic), float(statistic / pairs), z, float(ndtr(-z)))


def concordance(scores: Any, truth: Any) -> float:
    """The C-index: the share of pairs that differ in truth whose scores differ the same way; ties count half.

    Parameters
    ----------
    scores, truth : array of float, shape (N,)

    Returns
    -------
    float
        In [0, 1], .5 for chance; NaN where all truths are equal.
    """
    values, known = finite(scores), finite(truth)
    grades = np.unique(known)
    parts = [values[known == grade] for grade in grades]
    wins = pairs = 0.0
    below = np.empty(0)
    for part in parts:  # each grade against all lower ones
        wins += _wins(below, part)
        pairs += len(below) * len(part)
        below = np.concatenate([below, part])
    return wins / pairs if pairs else float("nan")


def spearman(scores: Any, truth: Any) -> float:
    """Spearman's rank correlation of `scores` and `truth`, each ``(N,)``; NaN where one of them is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(finite(scores)), rankdata(finite(truth))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def grades_by_rank(scores: Any, truth: Any) -> np.ndarray:
    """The `scores` as grades, as many of each as there are in `truth`: the lowest scores get the lowest grade."""
    values, known = finite(scores), np.asarray(truth)
    found = np.empty(len(values), dtype=known.dtype)
    found[np.argsort(values, kind="stable")] = np.sort(known)
    return found


def weighted_kappa(scores: Any, truth: Any) -> float:
    """Quadratically weighted kappa between true grades and scores that `grades_by_rank` made grades of.

    Parameters
    ----------
    scores : array, shape (N,)
    truth : array of int, shape (N,)
        Grades.

    References
    ----------
    Cohen, Psychological Bulletin 70 (1968).
    """
    known = np.asarray(truth)
    grades, codes = np.unique(known, return_inverse=True)
    found = np.searchsorted(grades, grades_by_rank(scores, known))
    size = len(grades)
    if size < 2:
        return float("nan")
    table = np.bincount(codes * size + found, minlength=size * size).reshape(size, size)
    weights = (np.arange(size)[:, None] - np.arange(size)) ** 2
    expected = np.outer(table.sum(1), table.sum(0)) / len(known)
    return float(1 - (weights * table).sum() / (weights * expected).sum())


def _parts(scores: Any, codes: np.ndarray, order: Sequence[Any]) -> list[np.ndarray]:
    values = np.asarray(scores, dtype=np.float64)
    if len(order) < 2:
        raise InputError("An order has at least two classes; name them from low to high.")
    parts = [finite(values[codes == i]) if (codes == i).any() else values[:0] for i in range(len(order))]
    empty = [name for name, part in zip(order, parts, strict=True) if not len(part)]
    if empty:
        raise InputError(f"There is no sample of the class {listed(empty)}; name classes that occur.")
    return parts


def _wins(low: np.ndarray, high: np.ndarray) -> float:
    """Pairs in which the second is higher; ties count half."""
    ordered = np.sort(low)
    left, right = np.searchsorted(ordered, high, "left"), np.searchsorted(ordered, high, "right")
    return float((left + right).sum() / 2)
