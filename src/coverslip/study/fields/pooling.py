"""Measures of all objects (or pixels) of several images taken together, from the measures of each.

Means over images let an empty tile count as much as one full of objects, and can reverse a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.measure.intervals import Additive, Sums, bootstrap
from coverslip.study.fields.fits import ERRORS

_OBJECTS = ("n_true", "n_predicted")
_PIXELS = ("pixels_true", "pixels_predicted")

Ratio = tuple[float, float]
"""What an image adds to the upper and to the lower part of a measure."""


def pooled(measure: str, images: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[list[float], float, float] | None:
    """A measure of all images taken together.

    Parameters
    ----------
    measure : str
        Its name.
    images : sequence of sequence of mapping
        The rows of ``images.csv``, those of each restart, of the same images in the same order.

    Returns
    -------
    each : list of float
        The value of each restart.
    low, high : float
        The 95 % bootstrap interval over images of their mean; NaN for one image.

    None, where the rows do not tell, as of distances.
    """
    parts = [_parts(measure, rows) for rows in images]
    if any(part is None for part in parts):
        return None
    table = np.array(parts)  # (R, N, K, 2)
    restarts, count = table.shape[:2]
    turned = measure in ERRORS

    def of(sums: np.ndarray) -> np.ndarray:
        """Of sums ``(B, R * K * 2)``, of each restart ``(B, R)``."""
        upper, lower = np.moveaxis(sums.reshape(len(sums), restarts, -1, 2), -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(lower > 0, upper / lower, 1.0).mean(2)
        return 1 - values if turned else values

    by_image = np.moveaxis(table, 1, 0).reshape(count, -1)
    each = of(by_image.sum(0, keepdims=True))[0].tolist()
    if count < 2:
        return each, float("nan"), float("nan")
    mean = Additive(lambda rows: Sums(np.arange(len(rows)), rows, lambda sums: of(sums).mean(1)))
    found = bootstrap(mean, by_image)
    return each, found.low, found.high


def disagreements(points: Sequence[Mapping[str, Any]], keys: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Sentences on measures by which two fits change places when means over images are taken instead."""
    notes = []
    for measure, title in titles.items():
        rows = [p for p in points if p["measure"] == measure and p["group"] == "all" and p["pooled"]]
        pairs = [(a, b, (a["value"] - b["value"], a["mean"] - b["mean"])) for a in rows for b in rows]
        worst = max(pairs, key=lambda pair: min(pair[2][0], -pair[2][1]), default=None)
        if worst is None or min(worst[2][0], -worst[2][1]) <= 0:
            continue
        one, other, _ = worst
        notes.append(
            f"{title}: the two ways of counting disagree. Pooled, {_called(one, keys)} has {one['value']:.3f} and "
            f"{_called(other, keys)} {other['value']:.3f}; as means over the fields {one['mean']:.3f} and "
            f"{other['mean']:.3f}. Go by the pooled ones."
        )
    return notes


def _called(point: Mapping[str, Any], keys: Sequence[str]) -> str:
    return " ".join(f"{key}={point[key]}" for key in keys if point[key] is not None)


def _parts(measure: str, rows: Sequence[Mapping[str, Any]]) -> list[list[Ratio]] | None:
    """Of each image the parts of a measure, or of those that it is the mean of."""
    names = sorted(name for name in rows[0] if re.fullmatch(r"ap\d+(\.\d+)?", name)) if measure == "ap" else [measure]
    found = [[_part(ERRORS.get(name, name), row) for name in names] for row in rows]
    if not names or any(part is None for parts in found for part in parts):
        return None
    return found  # type: ignore[return-value]  # None is excluded


def _part(measure: str, row: Mapping[str, Any]) -> Ratio | None:
    """The upper and lower part, told by the value and both counts."""
    of_pixels = measure.startswith("pixel_")
    if not {measure, *(_PIXELS if of_pixels else _OBJECTS)} <= set(row) or np.isnan(row[measure]):
        return None
    value = float(row[measure])
    both = float(sum(row[name] for name in (_PIXELS if of_pixels else _OBJECTS)))
    if measure == "pixel_iou" or re.fullmatch(r"ap\d+(\.\d+)?", measure):
        shared = value * both / (1 + value)  # as value = shared / (both - shared)
        return shared, both - shared
    if measure in ("pixel_f1", "f1"):
        return value * both, both
    return None
