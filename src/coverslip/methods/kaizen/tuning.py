"""How an image is best searched: what gives the best objects on held-out fields."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from coverslip.core.fields import Fields
from coverslip.core.fitted import Fitted
from coverslip.core.progress import task
from coverslip.measure.matching import THRESHOLDS, match
from coverslip.measure.overlaps import overlap
from coverslip.methods.kaizen.prediction import Decomposer
from coverslip.methods.kaizen.search import Search

_FIELDS = 12
# Of equally good values the first is taken.
_CONFIDENCE = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8)
_PASSES = (3, 2, 1)
_WORTH = (0.3, 0.5, 0.6, 0.7)
_MASK = (0.5, 0.45, 0.4, 0.55, 0.6)


def best_search(
    fitted: Fitted, fields: Fields, areas: np.ndarray, *, device: str = "auto"
) -> tuple[dict[str, Any], float]:
    """Try settings one after the other, by the mean average precision over IoU 0.5 to 0.95.

    Parameters
    ----------
    fitted : Fitted
        Just fitted; its search is the start.
    fields : Fields
        Held out while fitting; at most 12, spread evenly, are looked at.
    areas : ndarray
        Areas of the training objects, pixels: candidates for the smallest.
    device : str
        Where to compute.

    Returns
    -------
    dict
        A `Search`, as plain values.
    float
        The mean average precision it gave.
    """
    rows = np.unique(np.linspace(0, len(fields) - 1, min(_FIELDS, len(fields))).round().astype(int)).tolist()
    truth = [fields.labels(row) for row in rows]
    chosen = Search.parse(fitted.facts["search"])
    small = sorted({0, *np.percentile(areas, [0.5, 1, 2, 5]).astype(int).tolist()})
    tried: dict[str, Sequence[Any]] = {
        "confidence": _CONFIDENCE,
        "passes": _PASSES,
        "worth": _WORTH,
        "mask": _MASK,
        "min_area": small,
    }
    best = 0.0
    line = task("Choosing how to search", sum(len(values) for values in tried.values()))
    with closing(line):
        for name, values in tried.items():
            scores = {}
            for value in values:
                trial = chosen.model_copy(update={name: value})
                scores[value] = _score(Decomposer(fitted, device=device, search=trial), fields, rows, truth)
                line.advance(1, f"mean AP {max(best, *scores.values()):.3f}")
            winner = max(values, key=lambda value: round(scores[value], 3))
            chosen, best = chosen.model_copy(update={name: winner}), scores[winner]
    return chosen.model_dump(), round(best, 4)


def _score(decomposer: Decomposer, fields: Fields, rows: Sequence[int], truth: Sequence[np.ndarray]) -> float:
    counts = np.zeros((len(THRESHOLDS), 2))
    for row, true in zip(rows, truth, strict=True):
        shared = overlap(true, decomposer(fields, row).labels)
        matches = [match(shared, at) for at in THRESHOLDS]
        counts += [(m.tp, m.tp + m.fp + m.fn) for m in matches]
    return float(np.mean(counts[:, 0] / np.maximum(counts[:, 1], 1)))
