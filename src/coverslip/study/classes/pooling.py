"""The fits of one kind taken together: all images that they tested, compared with others, set side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ClassScores, provenance
from coverslip.core.words import number_of
from coverslip.measure import Interval, balanced_accuracy, paired_difference
from coverslip.measure.classes.evaluate import ALL, Classification
from coverslip.measure.scores import accuracy
from coverslip.samples.opening import opened_with, whole_of
from coverslip.samples.opening.again import as_words
from coverslip.study.classes.bench import Bench, Tested, placed

Pooled = tuple[Classification, ClassScores, np.ndarray]
"""What some fits say of the images that they tested: with the truth, as scores to be reported, and which rows."""

FEW = 200
"""Resamplings of the numbers of a single fold."""

COMPARED = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy}
"""Measures that kinds of fits are compared by, image by image."""

_MAIN = (
    "accuracy",
    "balanced accuracy",
    "macro F1",
    "AUC macro",
    "quadratic kappa",
    "calibration error",
    "coverage",
    "set size",
)


def together(bench: Bench, tested: Sequence[Tested], **study: Any) -> Pooled:
    """All tested images of a kind of fit.

    Parameters
    ----------
    bench : Bench
        Of the study.
    tested : sequence of Tested
        The fits. What some of them know a class of, the others give no probability.
    **study
        What provenance is to say of the study.
    """
    rows = np.concatenate([each.division.test for each in tested])
    first = tested[0].scores
    stacked = [each.scores.plausibility for each in tested]
    plausibility = [
        placed(p, each.scores.classes, bench.classes) for p, each in zip(stacked, tested, strict=True) if p is not None
    ]
    obs = {name: np.asarray(column)[rows] for name, column in bench.samples.obs.items() if name != "split"}
    sheet = getattr(whole_of(bench.samples), "sheet", None)
    where = {"folder": str(Path(sheet.folder).resolve())} if sheet is not None else {}
    how = {"settings": first.provenance["model"]["settings"], "input": opened_with(bench.samples)}
    facts = {"kind": "scores", "model": {"method": bench.method, **how}, **study}
    scores = ClassScores(
        bench.classes,
        np.concatenate([placed(each.scores.probability, each.scores.classes, bench.classes) for each in tested]),
        {**obs, "fold": np.concatenate([[each.division.name] * len(each.division.test) for each in tested])},
        np.concatenate(plausibility) if len(plausibility) == len(tested) else None,
        first.error_rate,
        first.ordered,
        provenance(**facts, inputs=where),
    )
    # An image that is tested in several repeats is resampled as one.
    groups = bench.groups[rows] if bench.groups is not None else rows
    found = Classification(bench.classes, bench.codes[rows], scores.probability, scores.sets, scores.ordered, groups)
    return found, scores, rows


def difference(one: Classification, other: Classification, measure: str) -> Interval:
    """The first minus the other on the same images, with the interval of pairs."""
    found: Interval = paired_difference(COMPARED[measure], one.predicted, other.predicted, one.codes, groups=one.groups)
    return found


def compared(pooled: Mapping[str, Pooled], kinds: Sequence[str]) -> list[dict[str, Any]]:
    """The first kind minus each other one, on the same images, with paired intervals."""
    rows = []
    for other in kinds[1:]:
        for measure in COMPARED:
            value = difference(pooled[kinds[0]][0], pooled[other][0], measure)
            facts = {"first": kinds[0], "minus": other, "measure": measure}
            rows.append({**facts, "value": value.value, "low": value.low, "high": value.high})
    return rows


def warnings_of(tested: Sequence[Tested], most: int = 4) -> list[str]:
    """What several fits warn of, the most frequent first; those that differ in numbers and names alone count as one."""
    texts: dict[str, list[str]] = {}
    for each in tested:
        for text in each.scores.provenance.get("warnings") or ():
            texts.setdefault(re.sub(r"\d+|'[^']*'", "#", text), []).append(text)
    first = sorted(texts.values(), key=len, reverse=True)[:most]
    return [
        f"{len(each)} of {number_of(len(tested), 'fit')}{', such as' * (len(set(each)) > 1)}: {each[0]}"
        for each in first
    ]


def difference_notes(differences: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence per difference."""
    return [
        f"{row['first']} minus {row['minus']}: {row['measure']} {row['value']:+.3f} "
        f"[{row['low']:+.3f}, {row['high']:+.3f}]."
        for row in differences
    ]


def wide_of(
    points: Sequence[Mapping[str, Any]], keys: Sequence[str] = ("kind", "domain", "fitted to")
) -> list[dict[str, Any]]:
    """One row per kind of fit, one column per main measure: ``(value, low, high)``."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    shown = [name for name in _MAIN if any(point["measure"] == name for point in points)]
    told = [key for key in keys if any(point.get(key) not in (None, "", ALL) for point in points)]
    for point in points:
        if point["class"] == ALL and point["measure"] in shown:
            facts = {key: point.get(key) for key in told}
            row = rows.setdefault(tuple(facts.values()), {**facts, **dict.fromkeys(shown), "images": point["n"]})
            row[point["measure"]] = (point["value"], point["low"], point["high"])
    return list(rows.values())


def domains_of(bench: Bench, domain: str | None, rows: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The name of each domain, and where its images are among these rows; none where nobody asked."""
    if domain is None:
        return []
    names = as_words(bench.samples.obs[domain]).astype(str)[rows]
    return [(str(name), np.flatnonzero(names == name)) for name in sorted(set(names) - {""})]


def some_of(found: Classification, rows: np.ndarray) -> Classification:
    """Some of the images."""
    return replace(
        found,
        codes=found.codes[rows],
        probability=found.probability[rows],
        sets=None if found.sets is None else found.sets[rows],
        groups=None if found.groups is None else found.groups[rows],
    )
