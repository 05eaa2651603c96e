"""Learn how the cells in regions tell their class, and choose between them and the votes of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import UNNAMED, Detections, Fields, Fitted, InputError, Marks, track
from coverslip.core.words import word_for
from coverslip.measure.detections.agreement import staged
from coverslip.measure.detections.contents import contents, counts_in
from coverslip.measure.detections.places import in_regions
from coverslip.measure.detections.staging import LEAST_CELLS, LEAST_SHARE, Staging, votes_of
from coverslip.measure.embeddings.folds import stratified
from coverslip.measure.familiar import Familiar, familiar
from coverslip.measure.readout import STRENGTHS, ReadOut, best_temperature, fit_path, log_loss, softmax
from coverslip.measure.threads import few_threads
from coverslip.methods.section.inference import Finder, found_in
from coverslip.samples.opening.marked import marks_in

_FOLDS = 5
_NEARLY = 0.99
_USUAL = 99
"""Percentile of the distances of regions that were left out within which what a region holds is familiar."""
_ENOUGH = 10
"""Held-out regions below which nothing is chosen on them: then cells alone stage."""
_WEIGHTS = np.linspace(0, 1, 11).round(1)
TABLE = "How regions are staged"
"""The heading of what was chosen."""


class _Taught(NamedTuple):
    """Regions with what they hold.

    Parameters
    ----------
    values : ndarray, shape (R, D)
        See `coverslip.measure.detections.contents.contents`.
    codes, rows : ndarray of int, shape (R,)
        Class, and the field it is in.
    """

    values: np.ndarray
    codes: np.ndarray
    rows: np.ndarray


class _Seen(NamedTuple):
    """Regions that the network found.

    Parameters
    ----------
    codes : ndarray of int, shape (R,)
        True class.
    values : ndarray, shape (R, D)
        What they hold.
    by_votes : ndarray, shape (R, C)
        Log chances by the votes of the network.
    """

    codes: np.ndarray
    values: np.ndarray
    by_votes: np.ndarray


def fit_staging(
    fitted: Fitted, fields: Fields, marks: Mapping[int, Marks], split: Mapping[str, np.ndarray], *, device: str = "auto"
) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """Fit the class of regions to the cells in them.

    Parameters
    ----------
    fitted : Fitted
        A model of regions; its settings name the column of the cells.
    fields : Fields
        From a sheet with that column.
    marks : mapping of int to Marks
        Regions of all rows of the split.
    split : mapping
        The network was fitted to ``"train"``, not to ``"val"``.
    device : str
        Where the network looks at the latter.

    Returns
    -------
    facts : dict
        Of the staging; empty if the votes of the network alone are better.
    table : list of dict
        How cells, votes and both do on regions that neither was fitted to.
    said : str
        What was chosen, in words.

    Raises
    ------
    InputError
        If there are too few cells or regions to learn from.
    """
    column = str(fitted.config.model_dump()["cells"])
    classes, um = tuple(map(str, fitted.facts["classes"])), fitted.facts["pixel_size"]
    cells = {row: _only_cells(marks_in(fields, row, column), classes) for row in track(sorted(marks), "Reading cells")}
    types = tuple(sorted({str(name) for row in split["train"] for name in cells[int(row)].names}))
    if len(types) < 2:
        raise InputError(f"The column '{column}' marks cells of {len(types)} type; regions are told by two at least.")
    taught = _taught(fields, marks, cells, split["train"].tolist(), classes, types, um)
    if len(np.unique(taught.codes)) < 2:
        raise InputError(
            f"{len(taught.codes)} {word_for(len(taught.codes), 'region', 'regions')} with {LEAST_CELLS} cells or more "
            "are of one class; nothing can be learned."
        )
    with few_threads(taught.values.size):
        read_out, usual = _learned(taught, len(classes), fitted.config.model_dump()["seed"])
    staging = Staging(classes, types, read_out, usual, 1.0, um)
    weight, table = _chosen(staging, fitted, fields, marks, cells, split["val"].tolist(), device)
    return ({} if weight == 0 else replace(staging, weight=weight).facts()), table, _said(weight, table)


def _only_cells(marks: Marks, regions: Sequence[str]) -> Marks:
    """A result with regions has these in its file too."""
    return marks.take(~np.isin(marks.names.astype(str), [*regions, UNNAMED]))


def _layered(fields: Fields, row: int, cells: Marks, regions: Detections, types: Sequence[str]) -> Detections:
    """Cells of a field in its regions; those of types that are not known are left out."""
    place = {name: code for code, name in enumerate(types)}
    codes = np.array([place.get(str(name), -1) for name in cells.names], np.intp)
    size, pixel = fields.size(row), fields.image(row).pixel_size
    found = Detections(tuple(types), cells.boxes, codes, np.ones(len(cells)), fields.name(row), size, pixel)
    return in_regions(found, regions)


def _taught(
    fields: Fields,
    marks: Mapping[int, Marks],
    cells: Mapping[int, Marks],
    rows: Sequence[int],
    classes: Sequence[str],
    types: tuple[str, ...],
    um: float | None,
) -> _Taught:
    """What marked regions hold."""
    place, parts = {name: code for code, name in enumerate(classes)}, []
    for row in rows:
        own = marks[row]
        codes = np.array([place[str(name)] for name in own.names], np.intp)
        size = fields.size(row)
        regions = Detections(
            tuple(classes), own.boxes, codes, np.ones(len(own)), fields.name(row), size, outlines=own.outlines
        )
        found = _layered(fields, row, cells[row], regions, types)
        many = counts_in(found, types).sum(axis=1) >= LEAST_CELLS
        parts.append((contents(found, types, um)[many], codes[many], np.full(int(many.sum()), row)))
    return _Taught(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _learned(taught: _Taught, classes: int, seed: int) -> tuple[ReadOut, Familiar]:
    """A read-out and what is familiar; penalty and limit are chosen on regions of fields that were left out."""
    x, codes = taught.values, taught.codes
    groups = taught.rows if len(np.unique(taught.rows)) > 1 else None
    units = len(codes) if groups is None else len(np.unique(groups))
    logits, away = np.zeros((len(STRENGTHS), len(codes), classes)), np.zeros(len(codes))
    for inside, outside in stratified(codes, groups, min(_FOLDS, units), seed):
        away[outside] = familiar(x[inside], codes[inside]).distance(x[outside])
        if len(np.unique(codes[inside])) > 1:
            for s, own in enumerate(fit_path(x[inside], codes[inside], classes, False)):
                logits[s, outside] = own.logits(x[outside])
    # The strongest penalty that stages nearly as many as any: it is the least sure of sections unlike these.
    sure = [(softmax(each)[np.arange(len(codes)), codes] >= LEAST_SHARE).sum() for each in logits]
    best = int(np.flatnonzero(np.array(sure) >= _NEARLY * max(sure))[0])
    # Where classes are told apart without exception, the temperature of least loss would be as low as can be.
    temperature = max(best_temperature(logits[best], codes, np.ones(len(codes))), 1.0)
    read_out = fit_path(x, codes, classes, False)[best]._replace(temperature=temperature)
    return read_out, familiar(x, codes)._replace(limit=float(np.percentile(away, _USUAL)))


def _chosen(
    staging: Staging,
    fitted: Fitted,
    fields: Fields,
    marks: Mapping[int, Marks],
    cells: Mapping[int, Marks],
    rows: Sequence[int],
    device: str,
) -> tuple[float, list[dict[str, Any]]]:
    """How much the cells count beside the votes, by regions that the network finds in fields it was not fitted to."""
    finder = Finder(fitted, device=device, least_share=0.0)
    codes, values, by_votes = _seen(staging, finder, fields, marks, cells, rows)
    if len(codes) < _ENOUGH:
        return 1.0, []
    losses, right = [], []
    for weight in _WEIGHTS:
        chances = replace(staging, weight=float(weight)).chances(values, by_votes)
        losses.append(log_loss(np.log(chances + 1e-12), codes, np.ones(len(codes))))
        right.append(float((chances.argmax(axis=1) == codes).mean()))
    best = int(np.argmin(np.round(losses, 6)))
    inner = best if 0 < best < len(_WEIGHTS) - 1 else int(np.argmin(losses[1:-1])) + 1
    names = {"votes": 0, f"both (cells {_WEIGHTS[inner]:g})": inner, "cells": len(_WEIGHTS) - 1}
    table = [
        {
            "by": name,
            "right": round(right[k], 4),
            "log loss": round(losses[k], 4),
            "regions": len(codes),
            "chosen": "yes" if k == best else "",
        }
        for name, k in names.items()
    ]
    return float(_WEIGHTS[best]), table


def _seen(
    staging: Staging,
    finder: Finder,
    fields: Fields,
    marks: Mapping[int, Marks],
    cells: Mapping[int, Marks],
    rows: Sequence[int],
) -> _Seen:
    """Regions that the network finds in some fields."""
    width, classes = 2 * len(staging.types) + 1, len(staging.classes)
    parts = [(np.zeros(0, int), np.zeros((0, width)), np.zeros((0, classes)))]
    for row in track(rows, "Staging what was held out"):
        regions = found_in(finder, fields, row)
        by_votes = votes_of(regions)
        assert by_votes is not None
        pairs = staged(regions, marks[row], staging.classes)
        found = _layered(fields, row, cells[row], regions, staging.types)
        many = counts_in(found, staging.types).sum(axis=1)[pairs.which] >= LEAST_CELLS
        which = pairs.which[many]
        parts.append((pairs.true[many], staging.features(found)[which], by_votes[which]))
    return _Seen(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _said(weight: float, table: Sequence[Mapping[str, Any]]) -> str:
    if not table:
        return "Regions are staged by their cells alone: too few were held out to tell how well, or whether votes help."
    told = ", ".join(f"{row['by']} {row['right']:.1%} right, log loss {row['log loss']:.3f}" for row in table)
    how = {0.0: "the votes alone", 1.0: "their cells alone"}.get(weight, "their cells and the votes")
    return f"Regions are staged by {how}: of {table[0]['regions']} held out, {told}."
