"""Cross-validation of classifiers: every image is tested once in each repeat, by a fit that never saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import results
from coverslip.core import ClassScores, InputError, Samples, Subset, provenance
from coverslip.io import write_table
from coverslip.measure import Interval, balanced_accuracy, evaluate_classes, paired_difference
from coverslip.measure.classes.evaluate import ALL, Classification
from coverslip.measure.scores import accuracy
from coverslip.samples.opening import opened_with, whole_of
from coverslip.study.classes.bench import SCORES, Bench, Tested, open_bench
from coverslip.study.classes.chance import coverage_note, coverage_rows
from coverslip.study.classes.divisions import folds_of
from coverslip.study.findings import Findings, columns
from coverslip.study.fits import fit_name

if TYPE_CHECKING:
    from coverslip.core.config import Config

_SHARED = {"seed", "validation", "label", "order"}
"""Settings that decide what is compared, and on which images."""

FEW = 200
"""Resamplings of the numbers of a single fold."""

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


def cross_validate(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    folds: int = 5,
    repeats: int = 1,
    over: Mapping[str, Sequence[Any]] | None = None,
    domain: str | None = None,
    **shared: Any,
) -> Findings:
    """Fit a classifier without each part of the images in turn, and test it on that part.

    Parameters
    ----------
    method, samples, out
        As for `coverslip.study.classes.bench.open_bench`.
    folds, repeats : int
        Parts, and how often the images are divided anew.
    over : mapping of str to sequence, optional
        Settings and the values each takes: every combination is fitted in the same folds, and compared with the first.
    domain : str, optional
        Column of domains (data sets, laboratories), each of which is measured on its own too.
    **shared
        ``settings``, ``group``, ``keep_models``, ``run``, ``channels``, ``planes``: see `open_bench`.

    Returns
    -------
    Findings
        One point per kind of fit and measure, pooled over all tested images, as in ``summary.csv``.

    Raises
    ------
    InputError
        If the study cannot be made, before anything is fitted.
    """
    bench = open_bench(method, samples, out, **shared)
    bench.check_domain(domain)
    kinds = kinds_of(bench, over or {})
    plan = folds_of(bench.codes, bench.groups, folds, repeats, bench.validation, bench.config.seed)
    tested = bench.run_fits(kinds, plan, "Cross-validation")
    points, fold_rows = [], []
    pooled: dict[str, tuple[Classification, ClassScores, np.ndarray]] = {}
    coverage: list[dict[str, Any]] = []
    for kind in kinds:
        own = [each for each in tested if each.kind == kind]
        fold_rows += [row for each in own for row in _of_fold(bench, each)]
        pooled[kind] = together(bench, own)
        found, scores, rows = pooled[kind]
        results.get("scores").verb("to_file")(scores, bench.out / _scores_name(kind, kinds))
        measured = evaluate_classes(found)
        points += [{"kind": kind, "domain": ALL, **row} for row in measured]
        coverage += [{"kind": kind, **row} for row in coverage_rows(found, own, measured)]
        for name, those in domains_of(bench, domain, rows):
            points += [{"kind": kind, "domain": name, **row} for row in evaluate_classes(some_of(found, those))]
    differences = compared(pooled, list(kinds))
    write_table(columns(fold_rows), bench.out / "table.csv")
    write_table(columns(points), bench.out / "summary.csv")
    table = wide_of(points)
    notes = _notes(bench, folds, repeats, differences)
    notes += coverage_note(coverage, next(iter(pooled.values()))[1].error_rate)
    record = provenance(study="cross-validate", **bench.record(folds=folds, repeats=repeats, kinds=list(kinds)))
    more = {"Differences on the same images": differences, "Coverage of each class": coverage}
    shown = Subset(bench.samples, next(iter(pooled.values()))[2])
    _page(bench, kinds, shown, table, fold_rows, more, notes, record)
    return Findings(points, notes, table)


def kinds_of(bench: Bench, over: Mapping[str, Sequence[Any]]) -> dict[str, Config]:
    """Settings of each kind of fit by what distinguishes it; one kind without a name where nothing varies."""
    if not over:
        return {"": bench.config}
    shared = sorted(_SHARED & set(over))
    if shared:
        raise InputError(
            f"All fits of a study are of the same images, divided alike, so '{shared[0]}' cannot vary in it; make a "
            "study for each value."
        )
    found = {}
    for values in product(*over.values()):
        varied = dict(zip(over, values, strict=True))
        given = {name: getattr(bench.config, name) for name in bench.config.model_fields_set}
        found[fit_name(varied)] = type(bench.config).parse({**given, **varied})
    return found


def together(bench: Bench, tested: Sequence[Tested]) -> tuple[Classification, ClassScores, np.ndarray]:
    """All tested images of a kind of fit, with the truth, as scores to be reported, and which rows these are."""
    rows = np.concatenate([each.division.test for each in tested])
    first = tested[0].scores
    order = [first.classes.index(name) for name in bench.classes]
    stacked = [each.scores.plausibility for each in tested]
    plausibility = None if any(p is None for p in stacked) else np.concatenate([p for p in stacked if p is not None])
    obs = {name: np.asarray(column)[rows] for name, column in bench.samples.obs.items() if name != "split"}
    sheet = getattr(whole_of(bench.samples), "sheet", None)
    where = {"folder": str(Path(sheet.folder).resolve())} if sheet is not None else {}
    how = {"settings": first.provenance["model"]["settings"], "input": opened_with(bench.samples)}
    facts = {"kind": "scores", "model": {"method": bench.method, **how}}
    scores = ClassScores(
        bench.classes,
        np.concatenate([each.scores.probability for each in tested])[:, order],
        {**obs, "fold": np.concatenate([[each.division.name] * len(each.division.test) for each in tested])},
        None if plausibility is None else plausibility[:, order],
        first.error_rate,
        first.ordered,
        provenance(**facts, inputs=where),
    )
    # An image that is tested in several repeats is resampled as one.
    groups = bench.groups[rows] if bench.groups is not None else rows
    found = Classification(bench.classes, bench.codes[rows], scores.probability, scores.sets, scores.ordered, groups)
    return found, scores, rows


def compared(
    pooled: Mapping[str, tuple[Classification, ClassScores, np.ndarray]], kinds: Sequence[str]
) -> list[dict[str, Any]]:
    """The first kind minus each other one, on the same images, with paired intervals."""
    rows = []
    first = pooled[kinds[0]][0]
    for other in kinds[1:]:
        found = pooled[other][0]
        for name, statistic in (("accuracy", accuracy), ("balanced accuracy", balanced_accuracy)):
            value: Interval = paired_difference(
                statistic, first.predicted, found.predicted, first.codes, groups=first.groups
            )
            rows.append(
                {
                    "first": kinds[0],
                    "minus": other,
                    "measure": name,
                    "value": value.value,
                    "low": value.low,
                    "high": value.high,
                }
            )
    return rows


def wide_of(points: Sequence[Mapping[str, Any]], keys: Sequence[str] = ("kind", "domain")) -> list[dict[str, Any]]:
    """One row per kind of fit, one column per main measure: ``(value, low, high)``."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    shown = [name for name in _MAIN if any(point["measure"] == name for point in points)]
    for point in points:
        if point["class"] == ALL and point["measure"] in shown:
            facts = {key: point[key] for key in keys if any(p[key] not in ("", ALL) for p in points)}
            row = rows.setdefault(tuple(facts.values()), {**facts, **dict.fromkeys(shown), "images": point["n"]})
            row[point["measure"]] = (point["value"], point["low"], point["high"])
    return list(rows.values())


def _of_fold(bench: Bench, each: Tested) -> list[dict[str, Any]]:
    found = bench.judged(each)
    facts = {"kind": each.kind, **each.division.facts, "train": len(each.division.train), "val": len(each.division.val)}
    facts |= {name: each.scores.provenance.get(name) for name in ("epochs", "seconds")}
    return [{**facts, **row} for row in evaluate_classes(found, resamplings=FEW, by_class=False)]


def domains_of(bench: Bench, domain: str | None, rows: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The name of each domain, and where its images are among these rows; none where nobody asked."""
    if domain is None:
        return []
    names = np.asarray(bench.samples.obs[domain]).astype(str)[rows]
    return [(name, np.flatnonzero(names == name)) for name in sorted(set(names))]


def some_of(found: Classification, rows: np.ndarray) -> Classification:
    """Some of the images."""
    return replace(
        found,
        codes=found.codes[rows],
        probability=found.probability[rows],
        sets=None if found.sets is None else found.sets[rows],
        groups=None if found.groups is None else found.groups[rows],
    )


def _scores_name(kind: str, kinds: Mapping[str, Any]) -> str:
    return SCORES if len(kinds) == 1 else f"{fit_name({'scores': kind})}.parquet"


def _notes(bench: Bench, folds: int, repeats: int, differences: Sequence[Mapping[str, Any]]) -> list[str]:
    whole = (
        f"whole groups of the column '{bench.grouped_by}' held out" if bench.grouped_by else "single images held out"
    )
    often = "" if repeats == 1 else f", {repeats} repeats"
    notes = [
        *bench.notes,
        f"{folds}-fold cross-validation, stratified by class, {whole}{often}; {bench.validation:.0%} of what is not "
        "tested decides when to stop. Numbers are of all tested images together, with 95 % bootstrap intervals over "
        + ("groups." if bench.grouped_by else "images."),
    ]
    largest = np.bincount(bench.codes).max() / len(bench.codes)
    notes.append(
        f"Always naming the largest class would be right in {largest:.1%}; balanced accuracy by chance is "
        f"{1 / len(bench.classes):.3f}."
    )
    for row in differences:
        notes.append(
            f"{row['first']} minus {row['minus']}: {row['measure']} {row['value']:+.3f} "
            f"[{row['low']:+.3f}, {row['high']:+.3f}]."
        )
    return notes


def _page(
    bench: Bench,
    kinds: Mapping[str, Any],
    images: Samples,
    table: list[dict[str, Any]],
    fold_rows: list[dict[str, Any]],
    more: Mapping[str, list[dict[str, Any]]],
    notes: list[str],
    record: Mapping[str, Any],
) -> None:
    """The page of the first kind's scores, with the tables of the study before its own."""
    from coverslip.verbs.report import write_report

    each = [
        {key: row[key] for key in ("kind", "repeat", "fold", "epochs", "seconds") if row[key] not in (None, "")}
        | {"accuracy": (row["value"], row["low"], row["high"])}
        for row in fold_rows
        if row["measure"] == "accuracy"
    ]
    tables: dict[str, Any] = {"All tested images": table, "Each fold": each}
    for name, rows in more.items():
        if rows:
            shown = [{k: v for k, v in row.items() if k not in ("beyond chance", "kind") or v} for row in rows]
            tables[name] = [{k: "yes" if v is True else v for k, v in row.items()} for row in shown]
    first = next(iter(kinds))
    write_report(
        bench.out / _scores_name(first, kinds),
        bench.out / "report.html",
        images=images,
        title=f"Cross-validation of {bench.method}{' · ' + first if first else ''}",
        notes=notes,
        tables=tables,
    )
