"""How an image is best searched: what gives the best objects on held-out fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from coverslip.core import Fields, Fitted, task, track
from coverslip.core.spread import evenly
from coverslip.measure.objects.precision import mean_ap_of
from coverslip.methods.kaizen.accepting import acceptable
from coverslip.methods.kaizen.explaining import Accepted
from coverslip.methods.kaizen.flattening import flat_labels
from coverslip.methods.kaizen.prediction import Decomposer
from coverslip.methods.kaizen.search import Search

_FIELDS, _SEEN = 12, 48
_BETTER = 5e-4
# Of equally good values the first is taken.
_PASSES = (3, 1)
_MASK = (0.5, 0.45, 0.4, 0.55)
# Of about equally good values the lowest is taken, which refuses least.
_CONFIDENCE = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
_WORTH = (0.3, 0.5, 0.6, 0.7, 0.8)
_ABOUT = {"confidence": 2e-3}
"""Objects that overlap are less sure than others, and labels show none: not to refuse them is worth a little."""
_SMALL = 0.1
"""Of the median area; what is smaller is a speck."""


def seen(fitted: Fitted, fields: Fields, most: int = _SEEN, *, device: str = "auto") -> list[dict[str, float]]:
    """What fields look like to a model, at their own size; see `coverslip.nn.familiar`."""
    decomposer = Decomposer(fitted, device=device)
    return [decomposer.traits(fields, row) for row in track(evenly(len(fields), most).tolist(), "Looking back")]


def best_search(
    fitted: Fitted, fields: Fields, areas: np.ndarray, *, device: str = "auto"
) -> tuple[dict[str, Any], float]:
    """Try settings one after the other, by the mean average precision over IoU 0.5 to 0.95.

    Only `passes` and `mask` need new searches, with little refused; what is refused is then chosen among the objects
    that these found.

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
    rows = evenly(len(fields), _FIELDS).tolist()
    truth = [fields.labels(row) for row in rows]
    refused: dict[str, Sequence[Any]] = {
        "confidence": _CONFIDENCE,
        "small_confidence": _CONFIDENCE,
        "worth": _WORTH,
        "min_area": sorted({0, *np.percentile(areas, [0.5, 1, 2, 5]).astype(int).tolist()}),
    }
    start = {name: min(values) for name, values in refused.items()}
    small = int(_SMALL * np.median(areas)) if len(areas) else 0
    best, chosen = -1.0, Search.parse({**fitted.facts["search"], **start, "small": small})
    trials = [("passes", value) for value in _PASSES] + [("mask", value) for value in _MASK[1:]]
    line = task("Choosing how to search", len(trials) * len(rows))
    with closing(line):
        for name, value in trials:
            loose = chosen.model_copy(update={**start, name: value})
            decomposer = Decomposer(fitted, device=device, search=loose.model_dump())
            found = []
            for row in rows:
                found.append(decomposer.objects(fields, row))
                line.advance(1, f"mean AP {best:.3f}" if best >= 0 else "")
            trial, reached = _best_refusal(loose, refused, found, truth)
            if reached > best + _BETTER:
                best, chosen = reached, trial
    return chosen.model_dump(), round(best, 4)


def _best_refusal(
    loose: Search, values: Mapping[str, Sequence[Any]], found: Sequence[Sequence[Accepted]], truth: Sequence[np.ndarray]
) -> tuple[Search, float]:
    """Which of the objects that a loose search found are best refused."""
    chosen, reached = loose, 0.0
    for name in (*values, *values):  # twice: what is best of one depends on the others
        scores = {v: _score(chosen.model_copy(update={name: v}), found, truth) for v in values[name]}
        enough = max(scores.values()) - _ABOUT.get(name, _BETTER)
        best = min(value for value, score in scores.items() if score >= enough)
        chosen, reached = chosen.model_copy(update={name: best}), scores[best]
    return chosen, reached


def _score(search: Search, found: Sequence[Sequence[Accepted]], truth: Sequence[np.ndarray]) -> float:
    """Mean average precision of what a search would not have refused."""
    kept = ([one.proposal for one in objects if acceptable(one.proposal, one.gain, search)] for objects in found)
    return mean_ap_of((true, flat_labels(true.shape, some)) for true, some in zip(truth, kept, strict=True))
