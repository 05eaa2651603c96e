"""How well groups are segmented that a fit has not seen: each is left out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import Fields, InputError
from coverslip.core.words import counted
from coverslip.study.fields.bench import Bench, open_bench
from coverslip.study.fields.fits import Fit
from coverslip.study.fields.output import write_study
from coverslip.study.fields.parts import groups_of, held_out
from coverslip.study.fields.tables import ALL
from coverslip.study.findings import Findings, Rows
from coverslip.study.fits import fit_name

if TYPE_CHECKING:
    pass

COMPARED = ("without", "all", "only")
"""What a fit may have seen when it is evaluated on a group: the others, all of them, that one alone."""


def leave_one_out(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    by: str = "group",
    compare: Sequence[str] = ("without",),
    baseline: bool = True,
    **shared: Any,
) -> Findings:
    """Fit a method without each group of fields in turn, and evaluate it on that group.

    Alone, ``without`` takes every field into account: all of the other groups train, all of the group are evaluated,
    and a column ``split`` only keeps its ``test`` rows away. Compared with ``all`` or ``only``, all three are evaluated
    on the same held-out fields of the group (those with the split ``val``, else a share of each group), and train on
    what is left. All fits take the same number of optimiser steps.

    Parameters
    ----------
    method, out
        As for `open_bench`.
    samples : str, Path, Sheet or Fields
        Fields with masks.
    by : str
        Column of groups; ``"image"`` leaves out one image at a time.
    compare : sequence of str
        Of ``"without"`` (the group), ``"all"`` (with it) and ``"only"`` (it alone).
    baseline : bool
        Evaluate `coverslip.samples.find_nuclei` (Otsu and watershed, first channel) on the same fields.
    **shared
        ``restarts``, ``steps``, ``settings``, ``channels``, ``planes``, ``keep_models``, ``run``: see `open_bench`.

    Returns
    -------
    Findings
        One point per group, kind and measure; the group ``all`` is every evaluated field.

    Raises
    ------
    InputError
        If the study cannot be made, before anything is fitted.
    """
    unknown = [kind for kind in compare if kind not in COMPARED]
    if unknown or not compare:
        raise InputError(f"A group can be compared {', '.join(COMPARED)}, not '{''.join(unknown[:1])}'.")
    bench = open_bench(method, samples, out, **shared)
    groups = _image_groups(bench.fields) if by == "image" else groups_of(bench.fields, by)
    kinds = [kind for kind in COMPARED if kind in compare]
    training, evaluated = _rows(bench, by, kinds)
    objects = bench.objects(np.concatenate([training, evaluated]))
    names, left_over = _evaluable(groups, training, evaluated, objects, kinds)
    if len(names) < 2:
        raise InputError(
            f"Leaving out one of several needs at least two groups with objects to learn from and to find, but the "
            f"column '{by}' has {len(names)}."
        )
    evaluated = evaluated[np.isin(groups[evaluated], names)]

    plan = []
    for restart, seed in enumerate(bench.seeds):
        for kind in kinds:
            if kind == "all":
                called = fit_name({"all": len(training), "seed": seed})
                plan.append(Fit(called, {"trained_on": kind}, bench.fields, training, evaluated, restart=restart))
                continue
            for name in names:
                chosen = training[(groups[training] == name) == (kind == "only")]
                own = evaluated[groups[evaluated] == name]
                called = fit_name({kind: Path(name).stem if by == "image" else name, "seed": seed})
                plan.append(Fit(called, {"trained_on": kind}, bench.fields, chosen, own, restart=restart))
    length = bench.length(plan)
    outcomes = bench.run_fits([*plan, *([bench.classical(evaluated)] if baseline else [])], objects, "Leave one out")
    from coverslip.figures.studies import left_out_figure

    return write_study(
        bench.out,
        "leave-one-out",
        outcomes,
        keys=("trained_on",),
        groups=groups,
        draw=left_out_figure,
        title=f"{method} on each {by} left out",
        notes=lambda points: [*_notes(points, kinds, by, length, left_over), *bench.doubts],
        facts=[
            (str(len(names)), "images" if by == "image" else "groups"),
            counted(len(bench.seeds), "restart"),
            counted(len(evaluated), "evaluated field"),
        ],
        record=bench.record(steps=length, by=by, compare=kinds),
    )


def _image_groups(fields: Fields) -> np.ndarray:
    """The image of each row: frames of one file stay together."""
    obs = fields.obs
    names = obs["image"] if "image" in obs else [fields.name(i) for i in range(len(fields))]
    return np.array([str(name) for name in names], dtype=object)


def _rows(bench: Bench, by: str, kinds: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rows that may train and rows that are evaluated, of all groups together."""
    from coverslip.samples import given_split

    if list(kinds) != ["without"]:
        if by == "image":
            raise InputError("An image that is left out can be fitted without, not with or alone: leave --compare out.")
        training, evaluated, _ = held_out(bench.fields, bench.config, by)
        return training, evaluated
    given = given_split(bench.fields.obs, len(bench.fields))
    rows = np.arange(len(bench.fields))
    rows = rows if given is None else np.setdiff1d(rows, given["test"])
    return rows, rows


def _evaluable(
    groups: np.ndarray, training: np.ndarray, evaluated: np.ndarray, objects: Mapping[int, int], kinds: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Groups with objects to find (and to learn from, where they are fitted alone), and the others."""

    def holds(rows: np.ndarray) -> bool:
        return any(objects[int(row)] for row in rows)

    names = sorted(set(groups[np.concatenate([training, evaluated])]))
    kept = []
    for name in names:
        own, others = training[groups[training] == name], training[groups[training] != name]
        learnt = holds(others) and ("only" not in kinds or holds(own))
        if learnt and holds(evaluated[groups[evaluated] == name]):
            kept.append(name)
    return kept, [name for name in names if name not in kept]


def _notes(points: Rows, kinds: Sequence[str], by: str, length: int, left_over: Sequence[str]) -> list[str]:
    notes = [f"Every fit took about {length:,} optimiser steps."]
    if list(kinds) == ["without"]:
        notes[0] += f" Each {by} was evaluated by fits to all the others."
    else:
        notes[0] += " All kinds of fits were evaluated on the same held-out fields of each group."
    whole = {(p["trained_on"], p["measure"]): p["value"] for p in points if p["group"] == ALL}
    for kind, word in (("without", "without the group"), ("all", "with it"), ("only", "with it alone")):
        if (kind, "ap50") in whole:
            notes.append(
                f"Fitted {word}, over all evaluated fields: AP at IoU 0.5 {whole[kind, 'ap50']:.3f}, mean AP "
                f"{whole[kind, 'ap']:.3f}, F1 of pixels {1 - whole[kind, 'pixel_error']:.3f}."
            )
    if left_over:
        notes.append(f"Not evaluated, for want of objects or held-out fields: {', '.join(left_over)}.")
    return notes
