"""The threshold and the smallest area that give the best objects on held-out fields."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core.fields import Fields
from coverslip.core.fitted import Fitted
from coverslip.measure.matching import THRESHOLDS, match
from coverslip.measure.overlaps import overlap
from coverslip.methods.unet.decoding import decode, without_small
from coverslip.methods.unet.inference import Segmenter

_FIELDS = 24
_PROBABILITIES = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)


def best_decoding(fitted: Fitted, fields: Fields, areas: np.ndarray) -> dict[str, Any]:
    """Try thresholds, then smallest areas, by the mean average precision over IoU 0.5 to 0.95.

    Parameters
    ----------
    fitted : Fitted
        Just fitted.
    fields : Fields
        Held out while fitting; at most 24, spread evenly, are looked at.
    areas : ndarray
        Areas of the training objects, pixels: candidates for the smallest.

    Returns
    -------
    dict
        ``threshold``, ``min_area`` and ``score``, the mean average precision they gave.
    """
    segmenter = Segmenter(fitted)
    rows = np.unique(np.linspace(0, len(fields) - 1, min(_FIELDS, len(fields))).round().astype(int)).tolist()
    truth = [fields.labels(row) for row in rows]
    maps = [segmenter.maps(fields, row) for row in rows]
    kind = segmenter.config.separation

    def score(found: list[np.ndarray]) -> float:
        counts = np.zeros((len(THRESHOLDS), 2))
        for true, predicted in zip(truth, found, strict=True):
            shared = overlap(true, predicted)
            matches = [match(shared, at) for at in THRESHOLDS]
            counts += [(m.tp, m.tp + m.fp + m.fn) for m in matches]
        return float(np.mean(counts[:, 0] / np.maximum(counts[:, 1], 1)))

    by_threshold = {at: [decode(m, kind, threshold=at) for m in maps] for at in _PROBABILITIES}
    scores = {at: score(found) for at, found in by_threshold.items()}
    # Of equal ones the middle: a threshold at the edge of a plateau is chance.
    threshold = max(scores, key=lambda at: (round(scores[at], 3), -abs(at - 0.5)))
    found = by_threshold[threshold]
    sizes = sorted({0, *np.percentile(areas, [0, 0.5, 1, 2, 5]).astype(int).tolist()})
    by_size = {size: score([without_small(f, size) for f in found]) for size in sizes}
    min_area = max(by_size, key=lambda size: (round(by_size[size], 4), -size))
    return {"threshold": threshold, "min_area": min_area, "score": round(by_size[min_area], 4)}
