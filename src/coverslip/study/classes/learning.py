"""Learning curves of classifiers: how many labelled images of each class are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, provenance
from coverslip.core.words import counted, number_of
from coverslip.io import write_table
from coverslip.measure import evaluate_classes
from coverslip.measure.classes.evaluate import ALL
from coverslip.samples.sheets.splits import given_split
from coverslip.study.classes.bench import Bench, Tested, open_bench
from coverslip.study.classes.crossing import kinds_of
from coverslip.study.classes.divisions import sizes_of
from coverslip.study.classes.pooling import (
    COMPARED,
    FEW,
    compared,
    difference_notes,
    domains_of,
    some_of,
    together,
    warnings_of,
    wide_of,
)
from coverslip.study.findings import Findings, columns


def image_curve(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    sizes: Sequence[str] = ("10", "30", "90"),
    restarts: int = 3,
    over: Mapping[str, Sequence[Any]] | None = None,
    domain: str | None = None,
    **shared: Any,
) -> Findings:
    """Fit a classifier to more and more labels, and test each fit on images that it never saw.

    All fits take about equally many optimiser steps: as many as the epochs of the settings are for the largest training
    set. Labelled images are those of training and validation together, so that a size says what had to be labelled.
    Where a column ``split`` says ``test``, these images are tested whatever the size, and all others may be labelled.

    Parameters
    ----------
    method, samples, out
        As for `coverslip.study.classes.bench.open_bench`.
    sizes : sequence of str
        Labelled images per class (``10``), or shares of all images (``20%``), see `sizes_of`.
    restarts : int
        Draws of each size; with images per class each tests another fifth of the images.
    over : mapping of str to sequence, optional
        Settings and the values each takes: a curve for each combination.
    domain : str, optional
        Column of domains, each of which is measured on its own too.
    **shared
        ``settings``, ``group``, ``keep_models``, ``run``, ``channels``, ``planes``: see `open_bench`.

    Returns
    -------
    Findings
        One point per kind of fit, size and measure, over the tested images of all draws, as in ``summary.csv``.
    """
    if restarts < 1:
        raise InputError(f"At least one draw of each size is needed, not {restarts}; say --restarts 3.")
    if len(set(sizes)) < len(sizes):
        raise InputError(f"The sizes {', '.join(sizes)} list one twice.")
    bench = open_bench(method, samples, out, **shared)
    bench.check_domain(domain)
    kinds = kinds_of(bench, over or {})
    parts = given_split(bench.samples.obs, len(bench.codes))
    marked = parts["test"] if parts is not None and len(parts["test"]) else None
    plan = sizes_of(
        bench.codes,
        bench.groups,
        sizes,
        restarts,
        bench.validation,
        bench.config.seed,
        tested=marked,
        names=bench.classes,
    )
    tested = bench.run_fits(kinds, plan, "Learning curve", equally=True)
    points, fits, differences = [], [], []
    for size in sizes:
        pooled = {
            kind: together(bench, [t for t in tested if t.kind == kind and t.division.facts["size"] == size])
            for kind in kinds
        }
        differences += [{"size": size, **row} for row in compared(pooled, list(kinds))]
        for kind, (found, _, rows) in pooled.items():
            own = [each for each in tested if each.kind == kind and each.division.facts["size"] == size]
            draws: dict[str, list[float]] = {}
            for one in own:
                labelled = len(one.division.train) + len(one.division.val)
                for row in evaluate_classes(bench.judged(one), resamplings=FEW, by_class=False):
                    draws.setdefault(row["measure"], []).append(row["value"])
                    fits.append({"kind": kind, **one.division.facts, "labelled": labelled, **row})
            for row in evaluate_classes(found):
                each = tuple(draws.get(row["measure"], ())) if row["class"] == ALL else ()
                points.append({"kind": kind, "size": size, "domain": ALL, **row, "each": each})
            for name, those in domains_of(bench, domain, rows):
                of_domain = evaluate_classes(some_of(found, those))
                points += [{"kind": kind, "size": size, "domain": name, **row} for row in of_domain]
    write_table(columns(fits), bench.out / "table.csv")
    write_table(columns(points, leave_out=("each",)), bench.out / "summary.csv")
    table = sorted(wide_of(points, ("kind", "size", "domain")), key=lambda row: list(kinds).index(row.get("kind", "")))
    tested_on = "the images that the sheet marks so" if marked is not None else "other images"
    often = "once" if restarts == 1 else f"{restarts} times"
    notes = [
        *bench.notes,
        f"Each size was drawn {often}. Labelled images are those of training and validation together; tested are "
        f"{tested_on}. Values are of all draws, with 95 % bootstrap "
        f"intervals over {'groups' if bench.grouped_by else 'images'}.",
        f"Balanced accuracy by chance is {1 / len(bench.classes):.3f}.",
    ]
    notes += [*_evenly(bench, tested), *_fewer(bench, sizes), *warnings_of(tested)]
    tables = {"Tested images of all draws": table, "Differences on the same images": differences}
    record = provenance(study="learning-curve", **bench.record(sizes=list(sizes), restarts=restarts, kinds=list(kinds)))
    _page(bench, points, {name: rows for name, rows in tables.items() if rows}, notes, record)
    return Findings(points, [*notes, *_clear(differences)], table)


def _evenly(bench: Bench, tested: Sequence[Tested]) -> list[str]:
    """A sentence on how long fits took, where there are epochs."""
    if not any(each.scores.provenance["epochs"] > 1 for each in tested):
        return []
    epochs = number_of(bench.config.epochs, "epoch")
    return [
        f"Every fit may take about as many optimiser steps as the largest does in {epochs}: fewer images are seen more "
        "often."
    ]


def _fewer(bench: Bench, sizes: Sequence[str]) -> list[str]:
    """A sentence on classes that have fewer images than a size asks for."""
    counts = np.bincount(bench.codes)
    most = max((int(size) for size in sizes if size.isdecimal()), default=0)
    few = [f"'{name}' ({n})" for name, n in zip(bench.classes, counts.tolist(), strict=True) if n < most]
    return [f"All that are not tested are labelled of classes with fewer images: {', '.join(few)}."] if few else []


def _clear(differences: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences on the differences whose interval leaves out 0."""
    if not differences:
        return []
    clear = [row for row in differences if row["low"] > 0 or row["high"] < 0]
    said = [f"{row['size']}: {text}" for row, text in zip(clear, difference_notes(clear), strict=True)]
    return said or ["No kind of fit differs from the first by more than chance, at any size."]


def _page(
    bench: Bench, points: list[dict[str, Any]], tables: Mapping[str, Any], notes: list[str], record: Mapping[str, Any]
) -> None:
    from coverslip.figures import save_figure
    from coverslip.figures.classes import curve_figure
    from coverslip.study.page import write_study_page

    whole = [p for p in points if p["domain"] == ALL and p["class"] == ALL]
    shown = [p for p in whole if p["measure"] in COMPARED]
    figure = save_figure(curve_figure(shown), bench.out / "learning-curve.png")
    sizes = {str(p["size"]) for p in points}
    write_study_page(
        bench.out,
        title=f"Learning curve of {bench.method}",
        notes=notes,
        facts=[counted(len(bench.codes), "image"), counted(len(sizes), "size")],
        figures={"Accuracy over labelled images": (figure.read_bytes(), "Dots are single draws, bands intervals.")},
        tables=tables,
        provenance=record,
    )
