"""Error over the number of training fields: how many are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import counted, number_of
from coverslip.study.fields.bench import open_bench
from coverslip.study.fields.fits import CLASSICAL, Fit
from coverslip.study.fields.output import write_study
from coverslip.study.fields.parts import check_objects, groups_of, held_out
from coverslip.study.fields.tables import ALL
from coverslip.study.findings import Findings, Rows
from coverslip.study.fits import fit_name

if TYPE_CHECKING:
    pass

_ENOUGH = 0.06
"""A size is enough where F1 is this near to the best, as a share of the best."""


def learning_curve(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    sizes: Sequence[int] | None = None,
    group: str | None = None,
    baseline: bool = True,
    **shared: Any,
) -> Findings:
    """Fit a method to more and more fields, and evaluate each fit on the same held-out ones.

    Each restart draws one order of the training fields and starts from other weights; a size takes the first ones of
    that order, so that larger sets hold the smaller ones. All fits take the same number of optimiser steps: with
    equal epochs, one field would be trained on a hundredth as long as a hundred, and the curve would show the length
    of training. Nothing of a fit, not even its threshold, has seen the held-out fields.

    Parameters
    ----------
    method, out
        As for `open_bench`.
    samples : str, Path, Sheet or Fields
        Fields with masks. Evaluated are those whose ``split`` is ``val``; without such a column the share
        `validation` of the settings is held out, from each group where there are any.
    sizes : sequence of int, optional
        Numbers of training fields; default: 1, 2, 4, … and all.
    group : str, optional
        Column of groups (cell lines, stains): each gets a curve of fits to its own fields, and one of fits to as many
        fields of every group (all of a group that has fewer).
    baseline : bool
        Evaluate `coverslip.samples.find_nuclei` (Otsu and watershed, first channel) on the same fields.
    **shared
        ``restarts``, ``steps``, ``settings``, ``channels``, ``planes``, ``keep_models``, ``run``: see `open_bench`.

    Returns
    -------
    Findings
        One point per size, group and measure, as in ``summary.csv``.

    Raises
    ------
    InputError
        If the study cannot be made, before anything is fitted.
    """
    bench = open_bench(method, samples, out, **shared)
    training, evaluated, by = held_out(bench.fields, bench.config, group)
    groups = np.full(len(bench.fields), ALL, dtype=object) if group is None else groups_of(bench.fields, group)
    names = [name for name in sorted(set(groups[training])) if name in set(groups[evaluated])]
    if not names:
        raise InputError(f"No group of the column '{group}' has fields both to train and to evaluate on; mark some.")
    left_over = sorted({*groups[training], *groups[evaluated]} - set(names))
    evaluated = evaluated[np.isin(groups[evaluated], names)]
    sets = {name: training[groups[training] == name] for name in names}
    chosen = _sizes(sizes, max(map(len, sets.values())))
    objects = bench.objects(np.concatenate([*sets.values(), evaluated]))
    for name, rows in sets.items():
        check_objects(objects, rows, evaluated[groups[evaluated] == name], "" if group is None else name)

    plan = []
    for restart, seed in enumerate(bench.seeds):
        orders = {name: _order(rows, objects, seed, number) for number, (name, rows) in enumerate(sets.items())}
        for size in chosen:
            drawn = np.concatenate([order[:size] for order in orders.values()])
            kind = "all" if group is None else "pooled"
            called = fit_name({"size" if group is None else "pooled": size, "seed": seed})
            facts = {"trained_on": kind, "size": size}
            plan.append(Fit(called, facts, bench.fields, drawn, evaluated, restart=restart))
            for name, order in orders.items() if group is not None else ():
                if size <= len(order):
                    called = fit_name({"group": name, "size": size, "seed": seed})
                    rows, facts = evaluated[groups[evaluated] == name], {"trained_on": "own", "size": size}
                    plan.append(Fit(called, facts, bench.fields, order[:size], rows, restart=restart))
    length = bench.length(plan)
    outcomes = bench.run_fits(
        [*plan, *([bench.classical(evaluated, size=None)] if baseline else [])], objects, "Learning curve"
    )
    from coverslip.figures.studies import learning_curve_figure

    return write_study(
        bench.out,
        "learning-curve",
        outcomes,
        keys=("trained_on", "size"),
        groups=None if group is None else groups,
        draw=learning_curve_figure,
        title=f"Learning curve of {method}",
        notes=lambda points: [
            *_notes(points, length, len(evaluated), by, names if group else [], left_over),
            *bench.doubts,
        ],
        facts=[
            (str(max(chosen)), "training fields at most"),
            counted(len(bench.seeds), "restart"),
            counted(len(evaluated), "held-out field"),
        ],
        record=bench.record(steps=length, sizes=chosen, group=group, divided_by=by),
    )


def _sizes(asked: Sequence[int] | None, most: int) -> list[int]:
    """Numbers of training fields in ascending order.

    Raises
    ------
    InputError
        If one cannot be had.
    """
    if asked is None:
        return [*(2**i for i in range(most.bit_length()) if 2**i < most), most]
    sizes = sorted(set(asked))
    if not sizes or sizes[0] < 1:
        raise InputError("A learning curve needs numbers of training fields from 1 on, such as --sizes 1,2,4,8.")
    if sizes[-1] > most:
        raise InputError(
            f"With {number_of(most, 'training field')} a fit to {sizes[-1]} cannot be made; give --sizes up to {most}."
        )
    return sizes


def _order(rows: np.ndarray, objects: Mapping[int, int], seed: int, number: int) -> np.ndarray:
    """A random order of rows that starts with one that holds objects: from an empty mask nothing is learnt."""
    order = np.random.default_rng([seed, number]).permutation(rows)
    first = next(i for i, row in enumerate(order) if objects[int(row)])
    return np.concatenate([order[first : first + 1], np.delete(order, first)])


def _notes(
    points: Rows, length: int, evaluated: int, by: str, names: Sequence[str], left_over: Sequence[str]
) -> list[str]:
    divided = "as the sheet says" if by == "split" else f"held out by {by}"
    notes = [
        f"Every fit took about {length:,} optimiser steps, whatever its number of fields, and was evaluated on the "
        f"same {number_of(evaluated, 'field')} ({divided}), which no fit has seen."
    ]
    for measure, what in (("pixel_error", "pixels"), ("object_error", "objects")):
        curve = [p for p in points if p["measure"] == measure and p["group"] == ALL]
        curve = [p for p in curve if p["trained_on"] not in ("own", CLASSICAL)]
        best = max(1 - p["value"] for p in curve)
        short = [p["size"] for p in curve if 1 - p["value"] < (1 - _ENOUGH) * best]
        enough = min((p["size"] for p in curve if p["size"] > max(short, default=0)), default=None)
        if enough is not None:
            fields = number_of(enough, "training field") + (" of each group" if names else "")
            notes.append(f"From {fields} on, F1 of {what} is within 6 % of the best, {best:.3f}.")
    if left_over:
        notes.append(f"Left out, for want of fields to train or to evaluate on: {', '.join(left_over)}.")
    return notes
