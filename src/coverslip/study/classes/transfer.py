"""What a classifier that was fitted in one laboratory is worth in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, provenance
from coverslip.core.words import counted
from coverslip.io import write_table
from coverslip.measure import evaluate_classes
from coverslip.measure.classes.evaluate import ALL
from coverslip.samples.opening.again import as_words
from coverslip.study.classes.bench import Bench, Tested, open_bench
from coverslip.study.classes.divisions import Division, folds_of, inside
from coverslip.study.classes.pooling import some_of, together, warnings_of, wide_of
from coverslip.study.findings import Findings, columns

OTHERS = "all others"
"""What stands for a fit to every laboratory but the one that is tested."""


def transfer(
    method: str, samples: Any, out: str | Path, *, domain: str = "domain", folds: int = 5, **shared: Any
) -> Findings:
    """Fit a classifier to each domain, and test it at home and on all others.

    At home each fold is tested by a fit that has not seen it; each of these fits is tested on all images of the other
    domains, too, so that the numbers compare. Of three domains or more, a fit to all others is tested on each.

    Parameters
    ----------
    method, samples, out
        As for `coverslip.study.classes.bench.open_bench`.
    domain : str
        Column of domains: laboratories, microscopes, stains, data sets.
    folds : int
        Parts of the images of each domain.
    **shared
        ``settings``, ``group``, ``keep_models``, ``run``, ``channels``, ``planes``: see `open_bench`.

    Returns
    -------
    Findings
        One point per domain fitted to, domain tested on and measure, as in ``summary.csv``.

    Raises
    ------
    InputError
        If there is one domain only, or a class is missing in one, before anything is fitted.
    """
    bench = open_bench(method, samples, out, **shared)
    bench.check_domain(domain)
    of = as_words(bench.samples.obs[domain])
    names = sorted(set(of) - {""})
    _check(bench, of, names, domain)
    plan = [each for name in names for each in _at_home(bench, of, name, folds)]
    if len(names) > 2:
        plan += [_without(bench, of, name) for name in names]
    tested = bench.run_fits({"": bench.config}, plan, "Transfer")
    points: list[dict[str, Any]] = []
    for source in (*names, OTHERS):
        own = [each for each in tested if each.division.facts["fitted to"] == source]
        points += _points(bench, own, of, names) if own else []
    write_table(columns(points), bench.out / "summary.csv")
    table = wide_of(points, ("fitted to", "tested on"))
    record = provenance(study="transfer", **bench.record(folds=folds, domain=domain, domains=names))
    notes = [*bench.notes, *_notes(bench, points, names, folds), *warnings_of(tested)]
    _page(bench, names, table, points, notes, record)
    return Findings(points, notes, table)


def _check(bench: Bench, of: np.ndarray, names: list[str], domain: str) -> None:
    if len(names) < 2:
        raise InputError(f"The column '{domain}' names one domain only ({', '.join(names)}); transfer takes two.")
    for name in names:
        there = {bench.classes[code] for code in bench.codes[of == name]}
        lacking = [each for each in bench.classes if each not in there]
        if lacking:
            raise InputError(
                f"'{name}' has no image of the class '{lacking[0]}'; transfer compares the same classes everywhere: "
                "leave the class out of the others, or call it alike."
            )


def _at_home(bench: Bench, of: np.ndarray, name: str, folds: int) -> list[Division]:
    """The folds of a domain; all images of the others are tested with each."""
    rows, others = np.flatnonzero(of == name), np.flatnonzero((of != name) & (of != ""))
    groups = None if bench.groups is None else bench.groups[rows]
    found = []
    for each in folds_of(bench.codes[rows], groups, folds, 1, bench.validation, bench.config.seed, bench.classes):
        facts = {**each.facts, "fitted to": name}
        test = np.concatenate([rows[each.test], others])
        found.append(Division(f"to={name},{each.name}", facts, rows[each.train], rows[each.val], test))
    return found


def _without(bench: Bench, of: np.ndarray, name: str) -> Division:
    rest, test = np.flatnonzero((of != name) & (of != "")), np.flatnonzero(of == name)
    train, val = inside(rest, bench.codes, bench.groups, bench.validation, bench.config.seed)
    return Division(f"without={name}", {"repeat": 1, "fitted to": OTHERS}, train, val, test)


def _points(bench: Bench, own: list[Tested], of: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    found, _, rows = together(bench, own)
    points = []
    for name in names:
        those = np.flatnonzero(of[rows] == name)
        if len(those):
            facts = {"fitted to": own[0].division.facts["fitted to"], "tested on": name}
            points += [{**facts, **row, "n": row["n"]} for row in evaluate_classes(some_of(found, those))]
    return points


def _notes(bench: Bench, points: list[dict[str, Any]], names: list[str], folds: int) -> list[str]:
    notes = [
        f"At home each image is tested once, by the fit of {folds} that has not seen it; abroad by all {folds} fits. "
        f"Balanced accuracy by chance is {1 / len(bench.classes):.3f}."
    ]
    value = {(p["fitted to"], p["tested on"]): p for p in points if _is_main(p)}
    for name in names:
        home = value[name, name]
        for other in names:
            if other != name and (abroad := value[other, name])["high"] < home["low"]:
                notes.append(
                    f"'{name}' is told by a fit to '{other}' with a balanced accuracy of {abroad['value']:.3f}, by one "
                    f"to itself with {home['value']:.3f}: what the fit learnt does not carry over."
                )
    if any(p["measure"] == "coverage" for p in points):
        notes.append("Prediction sets promise their coverage at home only; abroad see what it is.")
    return notes


def _is_main(point: dict[str, Any]) -> bool:
    return bool(point["measure"] == "balanced accuracy" and point["class"] == ALL)


def _page(
    bench: Bench,
    names: list[str],
    table: list[dict[str, Any]],
    points: list[dict[str, Any]],
    notes: list[str],
    record: dict[str, Any],
) -> None:
    from coverslip.study.page import write_study_page

    value = {(p["fitted to"], p["tested on"]): (p["value"], p["low"], p["high"]) for p in points if _is_main(p)}
    sources = [source for source in (*names, OTHERS) if any(key[0] == source for key in value)]
    across: list[dict[str, Any]] = []
    for source in sources:
        across.append({"fitted to": source, **{name: value.get((source, name)) for name in names}})
    write_study_page(
        bench.out,
        title=f"Transfer of {bench.method}",
        notes=notes,
        facts=[counted(len(bench.codes), "image"), counted(len(names), "domain")],
        figures={},
        tables={"Balanced accuracy, fitted to a row and tested on a column": across, "All measures": table},
        provenance=record,
    )
