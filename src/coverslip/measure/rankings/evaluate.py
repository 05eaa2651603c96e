"""A ranking against a known order, as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core.words import number_of
from coverslip.measure.intervals import Interval, bootstrap
from coverslip.measure.rankings.order import (
    concordance,
    jonckheere_terpstra,
    levels,
    pairwise_auroc,
    spearman,
    weighted_kappa,
)
from coverslip.measure.rankings.separation import separation_accuracy


def evaluate_ranking(
    scales: Mapping[str, Any],
    classes: Any,
    order: Sequence[Any],
    *,
    groups: Any = None,
    seed: int = 0,
    resamplings: int = 400,
) -> list[dict[str, Any]]:
    """Measure how well scales follow an order of classes.

    Parameters
    ----------
    scales : mapping of str to array, shape (N,)
        Scores by name; samples without one (NaN) are left out.
    classes : array, shape (N,)
        The true class of each; those that are not in the order are left out.
    order : sequence
        The classes from low to high.
    groups : array, shape (N,), optional
        Plates or patients, drawn whole for the intervals.
    seed : int
        Decides them.
    resamplings : int
        For the intervals; 0: none are computed.

    Returns
    -------
    list of dict
        ``scale``, ``measure``, ``value``, ``low``, ``high`` (95 %), ``n``, ``note``.
    """
    grades = levels(classes, order)
    rows: list[dict[str, Any]] = []
    for name, scores in scales.items():
        values = np.asarray(scores, dtype=np.float64)
        kept = (grades >= 0) & np.isfinite(values)
        if len(np.unique(grades[kept])) < 2:
            continue
        own = None if groups is None else np.asarray(groups)[kept]
        own = None if own is None or len(np.unique(own)) < 2 else own
        rows += _of_scale(name, values[kept], grades[kept], [str(word) for word in order], own, seed, resamplings)
    return rows


def _of_scale(
    name: str, values: np.ndarray, grades: np.ndarray, order: list[str], groups: np.ndarray | None, seed: int, n: int
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def within(statistic: Any, scores: np.ndarray, truth: np.ndarray, own: np.ndarray | None) -> Interval:
        if not n:
            return Interval(statistic(scores, truth), np.nan, np.nan, len(scores))
        return bootstrap(statistic, scores, truth, groups=own, n=n, seed=seed)

    def add(
        measure: str, value: float, low: float = np.nan, high: float = np.nan, count: int = 0, note: str = ""
    ) -> None:
        rows.append(
            {"scale": name, "measure": measure, "value": value, "low": low, "high": high, "n": count or len(values)}
            | {"note": note}
        )

    for measure, statistic in (("spearman", spearman), ("c_index", concordance), ("quadratic_kappa", weighted_kappa)):
        found = within(statistic, values, grades, groups)
        note = "grades by rank, as many of each as in truth" if measure == "quadratic_kappa" else ""
        add(measure, found.value, found.low, found.high, note=note)
    there = [i for i in range(len(order)) if (grades == i).any()]
    trend = jonckheere_terpstra(values, grades, there)
    add("jonckheere_terpstra_z", trend.z, note=f"p {trend.p:.2g}, one-sided")
    for a, b in [(a, b) for k, a in enumerate(there) for b in there[k + 1 :]]:
        pair = (grades == a) | (grades == b)

        def area(scores: np.ndarray, truth: np.ndarray, a: int = a, b: int = b) -> float:
            if not ((truth == a).any() and (truth == b).any()):
                return float("nan")
            return pairwise_auroc(scores, truth, (a, b))[str(a), str(b)]

        own = None if groups is None else groups[pair]
        own = None if own is None or len(np.unique(own)) < 2 else own
        found = within(area, values[pair], grades[pair], own)
        add(f"auroc {order[a]} < {order[b]}", found.value, found.low, found.high, int(pair.sum()))
    if len(there) == 3:
        apart = separation_accuracy(values, grades)
        note = (
            f"floor {100 * apart.floor:.2f} % (middle: {order[int(apart.middle)]}); {number_of(apart.errors, 'error')}"
        )
        add("separation_accuracy", apart.accuracy, note=note)
        add("separation_floor", apart.floor)
    return rows
