"""A ranking against a known order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Measured, Ranking, about
from coverslip.measure import evaluate_ranking, placement
from coverslip.results.ranking.folder import read_ranking
from coverslip.results.ranking.options import Evaluate
from coverslip.results.ranking.summary import used_rows, words


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure a ranking; see `coverslip.evaluate`."""
    named = result if isinstance(result, str | Path) else None
    with about(named):
        return _measured(result if named is None else read_ranking(named), truth, seed, options)


def _measured(ranking: Ranking, truth: Any, seed: int, options: Evaluate) -> Measured:
    classes, order = _truth(ranking, truth, options)
    used = used_rows(ranking)
    notes = []
    if (ranking.column("scored")[used] == "in the fit").any():
        notes.append("Every sample was seen by the fit: these numbers say nothing about new ones.")
    scales = {"consensus": ranking.column("score")}
    scales |= {name: ranking.column(f"score_{name}") for name in ranking.facts["strategies"] if _scored(ranking, name)}
    rulers = {f"ruler: {name}": np.asarray(values) for name, values in ranking.scales.items() if "," in name}
    groups = _groups(ranking, options)
    rows = []
    for some, resamplings in ((scales, 400), (rulers, 0)):
        rows += evaluate_ranking(
            {name: values[used] for name, values in some.items()},
            classes[used],
            order,
            groups=None if groups is None else groups[used],
            seed=seed,
            resamplings=resamplings,
        )
    scales |= rulers
    if not rows:
        raise InputError("No sample with a score is of two classes of the order; check --order and --truth-column.")
    if options.alike is not None:
        rows += _placements(ranking, scales, used, options.alike)
    return Measured(rows, tuple(notes))


def _truth(ranking: Ranking, truth: Any, options: Evaluate) -> tuple[np.ndarray, list[str]]:
    name = options.truth_column or str(ranking.facts["label"])
    if truth is None:
        column = words(ranking.column(name))
    else:
        from coverslip.samples import Sheet, read_sheet
        from coverslip.samples.opening.again import columns_of

        sheet = truth if isinstance(truth, Sheet) else read_sheet(truth)
        if not sheet.has(name) or "image" not in ranking.samples:
            raise InputError(f"{sheet.name} or the ranking lacks a column: '{name}' and 'image' are needed.")
        vectors = ranking.provenance.get("vectors") or {}
        column = words(columns_of(sheet, ranking.samples, vectors)[name])
    if options.order:
        return column, list(options.order)
    if options.truth_column is None:
        return column, list(ranking.anchors)
    known = sorted({text for text in column.tolist() if text}, key=_value)
    if len(known) > 30:
        raise InputError(f"The column '{name}' has {len(known)} different values; name the order of classes (--order).")
    return column, known


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{text}' is no number; say the order of the classes with --order a,b,c.") from None


def _groups(ranking: Ranking, options: Evaluate) -> np.ndarray | None:
    name = options.group or ("plate" if "plate" in ranking.samples else None)
    if name is None:
        return None
    groups = words(ranking.column(name))
    return groups if options.group or len(set(groups.tolist())) >= 5 else None


def _scored(ranking: Ranking, strategy: str) -> bool:
    return f"score_{strategy}" in ranking.facts["columns"]


def _placements(ranking: Ranking, scales: dict[str, np.ndarray], used: np.ndarray, alike: str) -> list[dict[str, Any]]:
    """The placement test: look-alikes inside the range of the class that the column names for them."""
    classes, marked = words(ranking.samples[str(ranking.facts["label"])]), words(ranking.column(alike))
    rows = []
    for reference in dict.fromkeys(text for text in marked[used].tolist() if text):
        for name, scores in scales.items():
            known = used & np.isfinite(scores)
            own = known & (classes == reference) & (marked == "")
            like = known & (marked == reference)
            if own.any() and like.any():
                found = placement(scores[own], scores[like])
                note = f"{found.outside} of {found.n} outside [{found.low:.3g}, {found.high:.3g}]"
                rows.append(
                    {"scale": name, "measure": f"placed inside {reference}", "value": found.inside}
                    | {"low": np.nan, "high": np.nan, "n": found.n, "note": note}
                )
    return rows
