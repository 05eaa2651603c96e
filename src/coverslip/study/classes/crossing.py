"""Cross-validation of classifiers: every image is tested once in each repeat, by a fit that never saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import Config, InputError, Samples, Subset, provenance
from coverslip.io import write_table
from coverslip.measure import evaluate_classes
from coverslip.measure.classes.evaluate import ALL
from coverslip.study.classes.alone import (
    FITTED_TO,
    TOGETHER,
    alone_notes,
    check_domains,
    kinds_in_domains,
    measured_alone,
    of_each,
)
from coverslip.study.classes.bench import SCORES, Bench, Tested, open_bench
from coverslip.study.classes.chance import coverage_note, coverage_rows
from coverslip.study.classes.divisions import Division, folds_of
from coverslip.study.classes.pooling import (
    COMPARED,
    FEW,
    Pooled,
    compared,
    difference_notes,
    domains_of,
    some_of,
    together,
    warnings_of,
    wide_of,
)
from coverslip.study.findings import Findings, columns
from coverslip.study.fits import fit_name
from coverslip.study.page import write_provenance

_SHARED = {"seed", "validation", "label", "order"}
"""Settings that decide what is compared, and on which images."""


def cross_validate(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    folds: int = 5,
    repeats: int = 1,
    over: Mapping[str, Sequence[Any]] | None = None,
    domain: str | None = None,
    alone: bool = False,
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
    alone : bool
        Fit to each domain alone, too, in the same folds, and compare: what a single model of all domains costs each.
        Folds have the same share of every class of each domain then.
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
    plan, singly = _plan(bench, folds, repeats, domain if alone else None, alone)
    tested = bench.run_fits(kinds, [*plan, *singly], "Cross-validation")
    whole, single = tested[: len(kinds) * len(plan)], tested[len(kinds) * len(plan) :]
    study = {"study": "cross-validate", "folds": folds, "repeats": repeats, "kinds": list(kinds), "domain": domain}
    points: list[dict[str, Any]] = []
    coverage: list[dict[str, Any]] = []
    pooled: dict[str, Pooled] = {}
    for kind in kinds:
        own = [each for each in whole if each.kind == kind]
        pooled[kind] = together(bench, own, **study)
        found, scores, rows = pooled[kind]
        results.get("scores").verb("to_file")(scores, bench.out / _scores_name(kind, kinds))
        facts = {"kind": kind, **({FITTED_TO: TOGETHER} if alone else {})}
        measured = evaluate_classes(found)
        points += [{**facts, "domain": ALL, **row} for row in measured]
        coverage += [{"kind": kind, **row} for row in coverage_rows(found, own, measured)]
        for name, those in domains_of(bench, domain, rows):
            points += [{**facts, "domain": name, **row} for row in evaluate_classes(some_of(found, those))]
    differences = compared(pooled, list(kinds))
    costs: list[dict[str, Any]] = []
    if single and domain is not None:
        more, costs = measured_alone(bench, domain, kinds, pooled, single)
        points += more
    fold_rows = [row for each in tested for row in _of_fold(bench, each)]
    write_table(columns(fold_rows), bench.out / "table.csv")
    write_table(columns(points), bench.out / "summary.csv")
    write_provenance(bench.out, provenance(**bench.record(**study, alone=alone)))
    table = wide_of(points)
    notes = _notes(bench, folds, repeats, alone)
    notes += warnings_of(tested)
    notes += coverage_note(coverage, next(iter(pooled.values()))[1].error_rate)
    tables = {
        "All tested images": table,
        "One model of all domains, minus one of each alone": costs,
        "Differences on the same images": differences,
        "Coverage of each class": coverage,
        "Each fold": _each_fold(fold_rows),
    }
    _page(bench, kinds, Subset(bench.samples, next(iter(pooled.values()))[2]), tables, notes)
    return Findings(points, [*notes, *difference_notes(differences), *alone_notes(costs)], table)


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
        # Of a group of settings, such as augment, true is what all fits share.
        other = {name: v for name, v in varied.items() if not (v is True and isinstance(given.get(name), Config))}
        found[fit_name(varied)] = type(bench.config).parse({**given, **other})
    return found


def _plan(
    bench: Bench, folds: int, repeats: int, domain: str | None, alone: bool
) -> tuple[list[Division], list[Division]]:
    """The divisions of all images, and of each domain alone, where that is asked for."""
    how = (bench.groups, folds, repeats, bench.validation, bench.config.seed)
    if not alone:
        return folds_of(bench.codes, *how, bench.classes), []
    by = check_domains(bench, domain)
    codes, names = kinds_in_domains(bench, by)
    plan = folds_of(codes, *how, names)
    return [replace(each, facts={**each.facts, FITTED_TO: TOGETHER}) for each in plan], of_each(bench, by, plan)


def _of_fold(bench: Bench, each: Tested) -> list[dict[str, Any]]:
    found = bench.judged(each)
    facts = {"kind": each.kind, **each.division.facts, "train": len(each.division.train), "val": len(each.division.val)}
    facts |= {name: each.scores.provenance.get(name) for name in ("epochs", "seconds")}
    return [{**facts, **row} for row in evaluate_classes(found, resamplings=FEW, by_class=False)]


def _each_fold(fold_rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = ("kind", FITTED_TO, "repeat", "fold", "epochs", "seconds")
    return [
        {name: row[name] for name in names if row.get(name) not in (None, "")}
        | {"accuracy": (row["value"], row["low"], row["high"])}
        for row in fold_rows
        if row["measure"] == "accuracy"
    ]


def _scores_name(kind: str, kinds: Mapping[str, Any]) -> str:
    return SCORES if len(kinds) == 1 else f"{fit_name({'scores': kind})}.parquet"


def _notes(bench: Bench, folds: int, repeats: int, alone: bool) -> list[str]:
    whole = (
        f"whole groups of the column '{bench.grouped_by}' held out" if bench.grouped_by else "single images held out"
    )
    often = "" if repeats == 1 else f", {repeats} repeats, so that each image stands {repeats} times"
    notes = [
        *bench.notes,
        f"{folds}-fold cross-validation, stratified by class{' and domain' * alone}, {whole}{often}; "
        f"{bench.validation:.0%} of what is not tested decides when to stop. Numbers are of all tested images "
        f"together, with 95 % bootstrap intervals over {'groups' if bench.grouped_by else 'images'}.",
    ]
    largest = np.bincount(bench.codes).max() / len(bench.codes)
    notes.append(
        f"Always naming the largest class would be right in {largest:.1%}; balanced accuracy by chance is "
        f"{1 / len(bench.classes):.3f}."
    )
    return notes


def _page(
    bench: Bench, kinds: Mapping[str, Any], images: Samples, tables: Mapping[str, Any], notes: Sequence[str]
) -> None:
    """The page of the first kind's scores, with the tables of the study before its own."""
    from coverslip.verbs.report import write_report

    shown: dict[str, Any] = {}
    for name, rows in tables.items():
        if rows:
            plain = [{k: v for k, v in row.items() if k not in ("beyond chance", "kind") or v} for row in rows]
            shown[name] = [{k: "yes" if v is True else v for k, v in row.items()} for row in plain]
    first, *others = kinds
    if others:
        file = bench.out / _scores_name(others[0], kinds)
        notes = [
            *notes,
            f"Images and confusions are those of {first}; coverslip report '{file}' shows those of {others[0]}.",
        ]
    write_report(
        bench.out / _scores_name(first, kinds),
        bench.out / "report.html",
        images=images,
        title=f"Cross-validation of {bench.method}",
        notes=notes,
        figures=_figures(tables["All tested images"], bench),
        tables=shown,
    )


def _figures(table: Sequence[Mapping[str, Any]], bench: Bench) -> dict[str, Any]:
    """Kinds of fits and domains beside each other, where there are several."""
    from coverslip.figures.classes import dots_figure

    if len(table) < 2:
        return {}
    rows = {
        ", ".join(str(row[key]) for key in ("kind", "domain", FITTED_TO) if row.get(key)): {
            name: row[name] for name in COMPARED
        }
        for row in table
    }
    figure = dots_figure(rows)
    return {"Beside each other": (figure, "Dots with 95 % intervals, of all tested images.")}
