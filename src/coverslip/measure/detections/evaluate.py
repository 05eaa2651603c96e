"""All measures of detections as one table, with intervals over images or groups of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coverslip.core import Detections, Marks
from coverslip.measure.detections.agreement import pixel_measures, pixel_table, staged, steps_apart
from coverslip.measure.detections.counts import Compared, compared, rates
from coverslip.measure.detections.precision import OVERLAPS, average_precision
from coverslip.measure.intervals import Additive, Sums, bootstrap

ALL = "all"
"""What the table calls all classes together."""

Row = dict[str, Any]
_AT = {"AP50": [0], "AP75": [5], "AP": list(range(len(OVERLAPS)))}


def evaluate_detections(
    found: Sequence[Detections],
    true: Sequence[Marks],
    classes: Sequence[str],
    groups: np.ndarray,
    *,
    radius: Sequence[float] | None = None,
    circular: bool = True,
    seed: int = 0,
) -> tuple[list[Row], Compared]:
    """Measure detections.

    Parameters
    ----------
    found, true
        Of each image.
    classes : sequence of str
        Those of both.
    groups : ndarray of int, shape (N,)
        Which images are resampled together.
    radius : sequence of float, optional
        For each image: match middles within this distance, pixels, instead of boxes by IoU 0.5; then there is no
        average precision.
    circular : bool
        Whether the first class of regions follows the last.
    seed : int
        Of resampling.

    Returns
    -------
    rows : list of dict
        ``class``, ``measure``, ``value``, ``low``, ``high``, ``n`` (true objects).
    sums : Compared
        What was called what, over all images.
    """
    each = [
        compared(f, t, classes, radius=None if radius is None else radius[i])
        for i, (f, t) in enumerate(zip(found, true, strict=True))
    ]
    table = np.array([np.concatenate([c.right, c.spurious, c.missed, c.there]) for c in each], float)
    sums = sum(each[1:], each[0])
    numbers = sums.right + sums.missed
    rows: list[Row] = []
    k = len(classes)

    def add(name: str, measure: str, finish: Callable[[np.ndarray], np.ndarray], n: int) -> None:
        rows.append({"class": name, "measure": measure, **_interval(table, finish, groups, seed), "n": n})

    def three(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return rates(sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k : 3 * k])

    for place, measure in enumerate(("precision", "sensitivity", "F1")):
        add(ALL, f"detection {measure}", lambda s, p=place: rates(*s[:, -3:].T)[p], int(numbers.sum()))  # type: ignore[misc]
    for place, measure in enumerate(("precision", "sensitivity", "F1")):
        add(ALL, f"macro {measure}", lambda s, p=place: _mean(three(s)[p]), int(numbers.sum()))  # type: ignore[misc]
    if radius is None:
        rows += _precision(found, true, classes, groups, seed, numbers)
    for code, name in enumerate(classes):
        for place, measure in enumerate(("precision", "sensitivity", "F1")):
            add(name, measure, lambda s, p=place, c=code: three(s)[p][:, c], int(numbers[code]))  # type: ignore[misc]
    if all(f.outlines is not None for f in found) and all(t.outlines is not None for t in true):
        rows += _regions(found, true, classes, groups, circular, seed)
    return rows, sums


def _precision(
    found: Sequence[Detections],
    true: Sequence[Marks],
    classes: Sequence[str],
    groups: np.ndarray,
    seed: int,
    numbers: np.ndarray,
) -> list[Row]:
    precision = average_precision(found, true, classes, groups, seed)
    rows = []
    for name, places in [(ALL, range(len(classes))), *((name, [code]) for code, name in enumerate(classes))]:
        own = list(places)
        for measure, at in _AT.items():
            value = _known_mean(precision.value[own][:, at])
            again = np.array([_known_mean(one[own][:, at]) for one in precision.resampled])
            again = again[np.isfinite(again)]  # of a class that was not drawn there is none
            low, high = np.percentile(again, [2.5, 97.5]) if len(again) else (np.nan, np.nan)
            called = f"mean {measure}" if name == ALL else measure
            rows.append(
                {
                    "class": name,
                    "measure": called,
                    "value": value,
                    "low": float(low),
                    "high": float(high),
                    "n": int(numbers[own].sum()),
                }
            )
    return rows


def _regions(
    found: Sequence[Detections],
    true: Sequence[Marks],
    classes: Sequence[str],
    groups: np.ndarray,
    circular: bool,
    seed: int,
) -> list[Row]:
    tables = [pixel_table(f, t, classes) for f, t in zip(found, true, strict=True)]
    rows: list[Row] = [
        {"class": ALL, "measure": name, "value": value, "low": np.nan, "high": np.nan, "n": len(found)}
        for name, value in pixel_measures(np.sum(tables, axis=0)).items()
    ]
    each = [staged(f, t, classes) for f, t in zip(found, true, strict=True)]
    counts = []
    for one in each:
        named = one.found >= 0
        away = steps_apart(one.true[named], one.found[named], len(classes), circular)
        total = len(one.true) + one.missed
        counts.append([(away == 0).sum(), (away <= 1).sum(), named.sum(), len(one.true), total])
    table = np.array(counts, float)
    ratios = {
        "staged": (2, 3),
        "stage right, of staged": (0, 2),
        "stage right, of all": (0, 4),
        "stage right or next, of staged": (1, 2),
    }
    for name, (above, below) in ratios.items():
        interval = _interval(table, lambda s, a=above, b=below: _ratio(s[:, a], s[:, b]), groups, seed)  # type: ignore[misc]
        rows.append({"class": ALL, "measure": name, **interval, "n": int(table[:, below].sum())})
    return rows


def _interval(
    table: np.ndarray, finish: Callable[[np.ndarray], np.ndarray], groups: np.ndarray, seed: int
) -> dict[str, float]:
    if len(np.unique(groups)) < 2:
        return {"value": float(finish(table.sum(axis=0, keepdims=True))[0]), "low": np.nan, "high": np.nan}
    additive = Additive(lambda rows: Sums(rows, table, finish))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = bootstrap(additive, np.arange(len(table)), groups=groups, seed=seed)
    return {"value": found.value, "low": found.low, "high": found.high}


def _mean(values: np.ndarray) -> np.ndarray:
    """Over classes that are there."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)


def _known_mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
