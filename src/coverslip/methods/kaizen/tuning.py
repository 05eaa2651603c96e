"""How an image is best searched: what gives the best objects on held-out fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coverslip.core.fields import Fields
from coverslip.core.fitted import Fitted
from coverslip.core.progress import track
from coverslip.measure.matching import THRESHOLDS, match
from coverslip.measure.overlaps import overlap
from coverslip.methods.kaizen.prediction import Decomposer
from coverslip.methods.kaizen.search import Search

_FIELDS = 12
_CONFIDENCE = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
_MASK = (0.4, 0.45, 0.5, 0.55)
_WORTH = (0.1, 0.3, 0.5, 0.7)


def best_search(
    fitted: Fitted, fields: Fields, areas: np.ndarray, *, device: str = "auto"
) -> tuple[dict[str, Any], float]:
    """Try settings one after the other, by the mean average precision over IoU 0.5 to 0.95.

    Parameters
    ----------
    fitted : Fitted
        Just fitted.
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
    chosen = Search()
    score = 0.0
    candidates: list[tuple[str, Sequence[Any]]] = [
        ("confidence", _CONFIDENCE),
        ("worth", _WORTH),
        ("mask", _MASK),
        ("min_area", sorted({0, *np.percentile(areas, [0.5, 1, 2, 5]).astype(int).tolist()})),
    ]
    trials = [(name, value) for name, values in candidates for value in values]
    scores: dict[tuple[str, Any], float] = {}
    for name, value in track(trials, "Choosing how to search"):
        for other, values in candidates:  # those before are chosen by now
            if other == name:
                break
            best = max(values, key=lambda v: round(scores[other, v], 3))
            chosen = chosen.model_copy(update={other: best})
        decomposer = Decomposer(fitted, device=device, search=chosen.model_copy(update={name: value}))
        counts = np.zeros((len(THRESHOLDS), 2))
        for row, true in zip(rows, truth, strict=True):
            shared = overlap(true, decomposer(fields, row).labels)
            matches = [match(shared, at) for at in THRESHOLDS]
            counts += [(m.tp, m.tp + m.fp + m.fn) for m in matches]
        scores[name, value] = float(np.mean(counts[:, 0] / np.maximum(counts[:, 1], 1)))
    last, values = candidates[-1]
    best = max(values, key=lambda v: round(scores[last, v], 3))
    score = scores[last, best]
    return chosen.model_copy(update={last: best}).model_dump(), round(score, 4)
