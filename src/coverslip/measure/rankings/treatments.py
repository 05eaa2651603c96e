"""The order of treatments from their wells, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.rankings.separation import finite


@dataclass(frozen=True)
class Standing:
    """Treatments on a scale, from the weakest to the strongest.

    Parameters
    ----------
    names : tuple of str
        In the order of their scores.
    wells, plates : ndarray of int, shape (T,)
        How many each has.
    score, low, high : ndarray, shape (T,)
        Mean over plates of the mean of its wells, and the ends of its bootstrap interval.
    rank, rank_low, rank_high : ndarray, shape (T,)
        From 1, the weakest, and the ends of the interval.
    before : ndarray, shape (T, T)
        Share of resamplings in which treatment i has a lower score than j.
    p : float
        Permutation test within plates: whether treatments differ at all.
    """

    names: tuple[str, ...]
    wells: np.ndarray
    plates: np.ndarray
    score: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rank: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray
    before: np.ndarray
    p: float

    @property
    def resolved(self) -> float:
        """Share of pairs of treatments whose order is the same in at least 95 % of resamplings."""
        upper = self.before[np.triu_indices(len(self.names), 1)]
        return float((np.maximum(upper, 1 - upper) >= 0.95).mean()) if len(upper) else float("nan")


def standing(
    scores: Any, treatments: Any, plates: Any = None, *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Standing:
    """Rank treatments by the scores of their wells, with bootstrap intervals over plates and wells.

    Each resampling draws plates, where there are three or more, and wells within treatment and plate.

    Parameters
    ----------
    scores, treatments : array, shape (N,)
        Of wells.
    plates : array, shape (N,), optional
        The experiment of each well; default: all are of one.
    n : int
        Resamplings, and permutations of the test.
    level : float
        Of the intervals.
    seed : int
        The same seed gives the same intervals.

    Raises
    ------
    InputError
        If there is only one treatment.
    """
    values = finite(scores)
    names, codes = np.unique(np.asarray(treatments).astype(str), return_inverse=True)
    if len(names) < 2:
        raise InputError(f"There is one treatment only ('{names[0]}'), which has no order.")
    plate = (
        np.zeros(len(values), int)
        if plates is None
        else np.unique(np.asarray(plates).astype(str), return_inverse=True)[1]
    )
    size, count = len(names), int(plate.max()) + 1
    cell = codes * count + plate
    rng = np.random.default_rng(seed)
    means = _resampled_means(values, cell, size * count, n, rng).reshape(n, size, count)
    whole = _means(values, cell, size * count).reshape(size, count)
    weights = np.ones((n, count))
    if count >= 3:
        drawn = rng.integers(count, size=(n, count))
        weights = np.stack([(drawn == p).sum(1) for p in range(count)], axis=1).astype(float)
    totals = _over_plates(means, weights[:, None])
    score = _over_plates(whole, np.ones((1, count)))
    totals = np.where(np.isfinite(totals), totals, score)  # a treatment whose plates were not drawn
    ranks = totals.argsort(axis=1).argsort(axis=1) + 1
    tails = [(1 - level) / 2, (1 + level) / 2]
    (low, high), (rank_low, rank_high) = np.quantile(totals, tails, axis=0), np.quantile(ranks, tails, axis=0)
    rank = score.argsort().argsort() + 1
    rank_low, rank_high = np.minimum(np.floor(rank_low), rank), np.maximum(np.ceil(rank_high), rank)
    before = (totals[:, :, None] < totals[:, None, :]).mean(0) + (totals[:, :, None] == totals[:, None, :]).mean(0) / 2
    order = score.argsort()
    there = np.bincount(cell, minlength=size * count).reshape(size, count)
    return Standing(
        tuple(str(names[i]) for i in order),
        there.sum(1)[order],
        (there > 0).sum(1)[order],
        score[order],
        np.minimum(low, score)[order],
        np.maximum(high, score)[order],
        rank[order],
        rank_low.astype(int)[order],
        rank_high.astype(int)[order],
        before[np.ix_(order, order)],
        treatments_differ(values, codes, plate, n=n, seed=seed),
    )


def treatments_differ(scores: Any, treatments: Any, plates: Any, *, n: int = 1000, seed: int = 0) -> float:
    """Whether treatments differ at all: a permutation test of wells within their plates.

    The statistic is the sum of squares between treatments of the ranks of wells, which are taken within plates.

    Parameters
    ----------
    scores, treatments, plates : array, shape (N,)
        Of wells.
    n : int
        Permutations.
    seed : int
        Decides them.

    Returns
    -------
    float
        p, at least 1 / (n + 1).
    """
    from scipy.stats import rankdata

    values = np.asarray(scores, dtype=np.float64)
    codes = np.unique(np.asarray(treatments), return_inverse=True)[1]
    plate = np.unique(np.asarray(plates), return_inverse=True)[1]
    ranks = np.empty(len(values))
    for code in range(plate.max() + 1):
        here = plate == code
        ranks[here] = (rankdata(values[here]) - 0.5) / here.sum() - 0.5
    member = np.eye(codes.max() + 1)[codes] / np.sqrt(np.bincount(codes))
    rng = np.random.default_rng(seed)
    order = np.argsort(plate, kind="stable")
    found = ((ranks @ member) ** 2).sum()
    as_high = 0
    step = max(1, (1 << 21) // len(values))
    for start in range(0, n, step):
        # Wells sorted by plate, within each in random order.
        mixed = np.argsort(plate + rng.random((min(step, n - start), len(values))), axis=1)
        as_high += int((((ranks[mixed] @ member[order]) ** 2).sum(1) >= found - 1e-12).sum())
    return (as_high + 1) / (n + 1)


def _means(values: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    counts = np.bincount(cell, minlength=cells)
    return np.where(counts > 0, np.bincount(cell, values, minlength=cells) / np.maximum(counts, 1), np.nan)


def _resampled_means(values: np.ndarray, cell: np.ndarray, cells: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Means of the wells of each cell, drawn anew within it, ``(n, cells)``; NaN where there are none."""
    found = np.full((n, cells), np.nan)
    for code in np.unique(cell):
        own = values[cell == code]
        found[:, code] = own[rng.integers(len(own), size=(n, len(own)))].mean(1)
    return found


def _over_plates(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.where(np.isfinite(means), weights, 0.0)
    total = known.sum(-1)
    return np.where(total > 0, np.nansum(means * known, axis=-1) / np.where(total > 0, total, 1), np.nan)
