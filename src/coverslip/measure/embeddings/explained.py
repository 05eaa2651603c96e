"""What clusters go with: the facts about samples that tell a cluster from all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_VALUES = 40
"""A column of more different texts names the samples."""


@dataclass(frozen=True)
class Explanation:
    """A fact that a cluster goes with.

    Parameters
    ----------
    cluster, column : str
    value : str
        The value that is more frequent in it; of a column of numbers ``"higher"`` or ``"lower"``.
    strength : float
        ``|2 AUROC - 1|``, 0 to 1, of telling the cluster by the column alone; of a value the share of samples that have
        it in the cluster, less the share among all others.
    inside, outside : float
        The share of samples that have the value, in the cluster and among all others; of numbers the medians.
    """

    cluster: str
    column: str
    value: str
    strength: float
    inside: float
    outside: float


def explained_by(clusters: Any, columns: Mapping[str, np.ndarray], least: float = 0.3) -> list[Explanation]:
    """The fact that tells each cluster best from all others.

    Parameters
    ----------
    clusters : array_like, shape (N,)
        The cluster of each sample.
    columns : mapping of str to ndarray, shape (N,)
        Facts: numbers, or texts and truths of at most 40 different values. Samples that lack one do not count.
    least : float
        Weaker facts explain nothing.

    Returns
    -------
    list of Explanation
        At most one for each cluster, in their order.
    """
    clusters = np.asarray(clusters).astype(str)
    found = []
    for name in sorted(set(clusters.tolist()), key=lambda one: (len(one), one)):
        inside = clusters == name
        facts = [fact for column, values in columns.items() for fact in _facts(name, inside, column, values)]
        best = max(facts, key=lambda fact: fact.strength, default=None)
        if best is not None and best.strength >= least:
            found.append(best)
    return found


def _facts(cluster: str, inside: np.ndarray, column: str, values: np.ndarray) -> list[Explanation]:
    """What a column says of a cluster."""
    values = np.asarray(values)
    if values.dtype.kind in "iuf":
        known = np.isfinite(values)
        one, others = values[known & inside], values[known & ~inside]
        if not (len(one) and len(others)):
            return []
        from scipy.stats import rankdata

        ranks = rankdata(np.concatenate([one, others]))[: len(one)]
        auroc = (ranks.mean() - (len(one) + 1) / 2) / len(others)
        medians = float(np.median(one)), float(np.median(others))
        return [Explanation(cluster, column, "higher" if auroc > 0.5 else "lower", abs(2 * auroc - 1), *medians)]
    texts = values.astype(str)
    different = np.unique(texts)
    if not 1 < len(different) <= _VALUES or inside.all():
        return []
    shares = [
        (value, float((texts[inside] == value).mean()), float((texts[~inside] == value).mean())) for value in different
    ]
    return [Explanation(cluster, column, str(value), own - other, own, other) for value, own, other in shares]
