"""What a study measured, as tables: image by image, fit by fit, and the mean over restarts with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from coverslip.study.fields.fits import ERRORS, Outcome
from coverslip.study.fields.pooling import pooled
from coverslip.study.findings import Rows

ALL = "all"
"""What stands in the column ``group`` for all evaluated fields together."""

_COUNTS = ("n_true", "n_predicted", "tp", "fp", "fn", "pixels_true", "pixels_predicted")


def image_rows(outcomes: Sequence[Outcome], groups: np.ndarray | None) -> Rows:
    """One row per fit and evaluated field: what was fitted, which group the field is of, and every measure."""
    rows = []
    for outcome in outcomes:
        fit, table = outcome.fit, outcome.images
        measures = {name: column for name, column in table.items() if name != "name"}
        measures |= {error: 1 - table[f1] for error, f1 in ERRORS.items()}
        for i, row in enumerate(fit.evaluated):
            group = ALL if groups is None else str(groups[row])
            facts = {**fit.facts, "restart": fit.restart, "group": group, "image": str(table["name"][i])}
            rows.append(facts | {name: column[i].item() for name, column in measures.items()})
    return rows


def fit_rows(study: str, outcomes: Sequence[Outcome], groups: np.ndarray | None) -> Rows:
    """One row per fit, group of evaluated fields and measure: the mean over the fields, and its bootstrap interval."""
    rows = []
    for outcome in outcomes:
        fit = outcome.fit
        facts = {
            "study": study,
            **fit.facts,
            "fields": len(fit.train),
            "objects": fit.objects,
            "restart": fit.restart,
            "seed": None if fit.config is None else fit.config.seed,
            "steps": fit.steps,
        }
        together = outcome.pooled | {error: 1 - outcome.pooled[f1] for error, f1 in ERRORS.items()}
        for group, images in _by_group(image_rows([outcome], groups)).items():
            whole = len(images) == len(fit.evaluated)
            for measure in together:
                value, low, high = _interval(np.array([[row[measure] for row in images]]))
                found = {"measure": measure, "value": value, "low": low, "high": high}
                found |= {"pooled": together[measure] if whole else float("nan"), "images": len(images)}
                rows.append({**facts, "group": group, **found, "seconds": outcome.seconds})
    return rows


def summary_rows(images: Rows, keys: Sequence[str]) -> Rows:
    """The mean over restarts, for each combination of `keys`, group and measure.

    Parameters
    ----------
    images : list of dict
        As `image_rows` gives them.
    keys : sequence of str
        Columns that say what was fitted.

    Returns
    -------
    list of dict
        The keys, ``group``, ``measure``; ``value``, the mean over restarts of all objects (or pixels) of the fields
        taken together, or where that is not known (``pooled`` is false) of the mean over fields; ``low`` and ``high``,
        its 95 % bootstrap interval over fields; ``mean``, ``mean_low`` and ``mean_high``, the same of the mean over
        fields; ``restart_low`` and ``restart_high``, the smallest and largest restart; ``restarts``, ``images``, and
        ``each``, the values of the restarts. The group ``all`` stands where every evaluated field was.
    """
    kinds: dict[tuple[Any, ...], Rows] = {}
    for row in images:
        kinds.setdefault(tuple(row[key] for key in keys), []).append(row)
    every = len({row["image"] for row in images})
    known = {*keys, "restart", "group", "image", *_COUNTS}
    measures = [name for name in dict.fromkeys(name for row in images for name in row) if name not in known]
    order = [list(dict.fromkeys(row[key] for row in images)) for key in keys]  # as they were planned
    rows = []
    for kind, of_kind in sorted(kinds.items(), key=lambda of: [o.index(k) for o, k in zip(order, of[0], strict=True)]):
        for group, chosen in _by_group(of_kind).items():
            names = sorted({row["image"] for row in chosen})
            if group == ALL and len(names) < every:
                continue
            restarts = sorted({row["restart"] for row in chosen})
            at = {(row["restart"], row["image"]): row for row in chosen}
            for measure in measures:
                values = np.array([[at[r, name].get(measure, np.nan) for name in names] for r in restarts])
                value, low, high = _interval(values)
                if np.isnan(value):  # such as the AUROC of what gives no probability
                    continue
                each = tuple(_mean(v) for v in values)
                point = {**dict(zip(keys, kind, strict=True)), "group": group, "measure": measure}
                means = {"mean": value, "mean_low": low, "mean_high": high}
                together = pooled(measure, [[at[r, name] for name in names] for r in restarts])
                if together is not None:
                    each, low, high = tuple(together[0]), *together[1:]
                    value = float(np.mean(each))
                point |= {"value": value, "low": low, "high": high, **means, "pooled": together is not None}
                point |= {"each": each}
                point |= {"restart_low": min(each), "restart_high": max(each)}
                rows.append(point | {"restarts": len(restarts), "images": len(names)})
    return rows


def wide(points: Rows, keys: Sequence[str], measures: Sequence[str], kind: Literal["value", "mean"] = "value") -> Rows:
    """One row per combination of keys and group, one column per measure: value or mean with its interval."""
    names = ("value", "low", "high") if kind == "value" else ("mean", "mean_low", "mean_high")
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for point in points:
        facts = {key: point[key] for key in (*keys, "group", "restarts", "images")}
        row = rows.setdefault(tuple(facts.values()), {**facts, **dict.fromkeys(measures)})
        if point["measure"] in measures:
            row[point["measure"]] = tuple(point[name] for name in names)
    return list(rows.values())


def _by_group(rows: Rows) -> dict[str, Rows]:
    """Rows of each group, then of all together where there are several."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["group"], []).append(row)
    return found if len(found) == 1 else {**found, ALL: rows}


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over restarts and fields ``(R, N)``, and its bootstrap interval over fields; NaN ends for one field."""
    from coverslip.measure import bootstrap, mean

    known = values[:, ~np.isnan(values).any(axis=0)].mean(axis=0) if len(values) else np.empty(0)
    if len(known) < 2:
        return (float(known[0]) if len(known) else float("nan")), float("nan"), float("nan")
    found = bootstrap(mean, known)
    return found.value, found.low, found.high


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
