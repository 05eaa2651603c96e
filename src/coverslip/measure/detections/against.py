"""Two results beside each other: what there is of each class here and there, as in a knock-out and the wild type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coverslip.core import Detections, InputError
from coverslip.measure.intervals import Additive, Interval, Sums, bootstrap

EVERYWHERE = "all"
"""What the table calls all regions together, and what lies outside of them."""
_NONE_SEEN = 3.0
"""None of n: the share is below 3 / n (95 %; Hanley and Lippman-Hand 1983)."""


def against(here: Sequence[Detections], there: Sequence[Detections], *, seed: int = 0) -> list[dict[str, Any]]:
    """Shares of the classes in two results, and how they differ.

    Parameters
    ----------
    here, there : sequence of Detections
        The images of each result; of the same classes.
    seed : int
        Of resampling.

    Returns
    -------
    list of dict
        ``region`` (a class of regions, where both results have regions, or ``all``), ``class``, ``measure`` (``share``,
        ``share against``, ``difference``), ``value``, ``low``, ``high``, ``n`` (cells there). Intervals of shares are
        bootstraps over regions; where there are none over images; of a single image over cells, which is too narrow
        where cells of a kind lie together. A class of which there is none among n has 3 / n as its high end, one
        that all n are of 1 − 3 / n as its low one. Those of differences are made of both (Newcombe 1998, method 10).

    Raises
    ------
    InputError
        If the classes differ.
    """
    classes = here[0].classes
    if set(classes) != set(there[0].classes):
        raise InputError(
            f"The results have different classes ({', '.join(classes)} and {', '.join(there[0].classes)}), so what "
            "there is of them cannot be compared; predict both with one model."
        )
    places = [EVERYWHERE]
    if all(one.regions is not None for one in (*here, *there)):
        places = [*(here[0].regions.classes if here[0].regions is not None else ()), EVERYWHERE]
    rows: list[dict[str, Any]] = []
    for place in places:
        tables = [_units(some, place, classes) for some in (here, there)]
        for k, name in enumerate(classes):
            one, other = (_share(table, k, seed) for table in tables)
            for measure, found in (
                ("share", one),
                ("share against", other),
                ("difference", _difference(one, other)),
            ):
                row = {"region": place, "class": name, "measure": measure, "value": found.value}
                rows.append({**row, "low": found.low, "high": found.high, "n": found.n})
    return rows


def _units(some: Sequence[Detections], place: str, classes: Sequence[str]) -> np.ndarray:
    """What is drawn, as the cells of each class in it, ``(U, K)``: regions, images, or cells."""
    counts = []
    for one in some:
        one = one.take(one.named)
        code = np.array([classes.index(name) for name in one.classes], int)[one.codes]
        at = np.zeros(len(one), int) if one.regions is None else np.asarray(one.columns["region"], int)
        units = 1 if one.regions is None else len(one.regions) + 1
        own = np.bincount(at * len(classes) + code, minlength=units * len(classes)).reshape(units, len(classes))
        if place != EVERYWHERE and one.regions is not None:
            own = own[1:][one.regions.names == place]
        counts.append(own)
    table = np.concatenate(counts)
    if len(some) == 1 and some[0].regions is None:
        return np.repeat(np.eye(len(classes), dtype=int), table[0], axis=0)
    return table[table.any(axis=1)]


def _share(table: np.ndarray, k: int, seed: int) -> Interval:
    total = int(table.sum())
    value = float(table[:, k].sum() / total) if total else float("nan")
    if not total or len(table) < 2:
        return Interval(value, float("nan"), float("nan"), total)
    if value in (0, 1):  # none of it, or none of all others
        reach = min(_NONE_SEEN / total, 1.0)
        return Interval(value, value * (1 - reach), reach if value == 0 else 1.0, total)

    def finish(sums: np.ndarray) -> np.ndarray:
        return sums[:, 0] / sums[:, 1]

    kinds, codes = np.unique(np.stack([table[:, k], table.sum(axis=1)], axis=1), axis=0, return_inverse=True)
    found = bootstrap(Additive(lambda units: Sums(units, kinds, finish)), codes.ravel(), seed=seed)
    return Interval(found.value, found.low, found.high, total)


def _difference(one: Interval, other: Interval) -> Interval:
    apart = one.value - other.value
    below = np.hypot(one.value - one.low, other.high - other.value)
    above = np.hypot(one.high - one.value, other.value - other.low)
    return Interval(apart, apart - float(below), apart + float(above), one.n + other.n)
