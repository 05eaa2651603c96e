"""How maps become objects: what gives the best ones on held-out fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coverslip.core import Fields, Fitted
from coverslip.core.spread import evenly
from coverslip.measure.objects.precision import mean_ap_of
from coverslip.methods.unet.decoding import PEAK, decode
from coverslip.methods.unet.inference import Segmenter
from coverslip.samples.opening.looks import sample
from coverslip.samples.opening.view import View

_FIELDS, _SEEN = 24, 96
_PEAKS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
_PROBABILITIES = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)


def seen(fitted: Fitted, fields: Fields, most: int = _SEEN, *, device: str = "auto") -> list[dict[str, float]]:
    """What fields look like to a model, at their own size; see `coverslip.nn.familiar`."""
    segmenter = Segmenter(fitted, device=device)
    views = ((row, View(segmenter.exposure(fields, row))) for row in evenly(len(fields), most).tolist())
    return [segmenter.traits(fields, row, view, sample(fields.size(row))) for row, view in views]


def best_decoding(fitted: Fitted, fields: Fields, areas: np.ndarray, *, device: str = "auto") -> dict[str, Any]:
    """Try thresholds, then peaks, then smallest areas, by the mean average precision over IoU 0.5 to 0.95.

    Parameters
    ----------
    fitted : Fitted
        Just fitted.
    fields : Fields
        Held out while fitting; at most 24, spread evenly, are looked at.
    areas : ndarray
        Areas of the training objects, pixels: candidates for the smallest.
    device : str
        Where to compute.

    Returns
    -------
    dict
        ``threshold``, ``min_area``, for distances ``peak`` (see `decode`), and ``score``, the mean average precision
        they gave.
    """
    segmenter = Segmenter(fitted, device=device)
    rows = evenly(len(fields), _FIELDS).tolist()
    truth = [fields.labels(row) for row in rows]
    maps = [segmenter.maps(fields, row) for row in rows]
    kind = segmenter.config.separation

    chosen: dict[str, Any] = {}
    reached: list[float] = []

    def best(name: str, values: Sequence[float], middle: float) -> None:
        """Choose one setting, the others as they are; of equally good values the one nearest to the usual."""
        scores = {}
        for value in values:
            found = (decode(m, kind, **{**chosen, name: value}) for m in maps)
            scores[value] = mean_ap_of(zip(truth, found, strict=True))
        chosen[name] = max(values, key=lambda v: (round(scores[v], 3), -abs(v - middle)))
        reached.append(round(scores[chosen[name]], 4))

    best("threshold", _PROBABILITIES, 0.5)
    if kind == "distance":
        best("peak", _PEAKS, PEAK)
    best("min_area", sorted({0, *np.percentile(areas, [0, 0.5, 1, 2, 5]).astype(int).tolist()}), 0)
    return {**chosen, "score": reached[-1]}
