"""Scores beside the true classes of their images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from coverslip.core import ClassScores, InputError
from coverslip.core.words import number_of
from coverslip.measure import Classification
from coverslip.results.scores.prediction import SEEN
from coverslip.samples.opening.again import as_words, columns_of
from coverslip.samples.sheets.splits import divided_groups, given_split, group_codes, usual_groups

Options = Any  # those of measuring or of the page


@dataclass(frozen=True)
class Judged:
    """Scores of images whose class is known.

    Parameters
    ----------
    scores : ClassScores
        Of these images alone.
    rows : ndarray of int
        Which rows of the result these are.
    found : Classification
        With their true classes.
    notes : tuple of str
        What was left out, and what may mislead.
    """

    scores: ClassScores
    rows: np.ndarray
    found: Classification
    notes: tuple[str, ...]


def label_column(scores: ClassScores) -> str:
    """The column that the model was fitted to, as provenance says."""
    settings = scores.provenance.get("model", {}).get("settings", {})
    return str(settings.get("label", "label")) if isinstance(settings, dict) else "label"


def judged(scores: ClassScores, truth: Any, options: Options, group: str | None = None) -> Judged:
    """Put the true classes beside scores.

    Parameters
    ----------
    scores : ClassScores
        A result.
    truth : str, Path or Sheet, optional
        A sheet with the classes, matched by image; default: the result's own columns.
    options
        ``label``, ``split`` and ``error_rate``.
    group : str, optional
        Column whose groups are resampled whole; default: the usual ones, where there are some.

    Raises
    ------
    InputError
        If a column is missing, or no image has one of the model's classes.
    """
    from coverslip.samples import Sheet, read_sheet

    if options.error_rate is not None:
        scores = replace(scores, error_rate=options.error_rate)
    columns = {name: np.asarray(column) for name, column in scores.obs.items()}
    if truth is not None:
        sheet = truth if isinstance(truth, Sheet) else read_sheet(truth)
        columns |= columns_of(sheet, columns, scores.provenance)
    label = options.label or label_column(scores)
    for name in (label, *([group] if group else [])):
        if name not in columns:
            known = ", ".join(columns) or "none"
            raise InputError(
                f"There is no column '{name}' to measure by; name one of {known}, or give a sheet with it."
            )
    words = as_words(columns[label])
    rows, notes = _measured_rows(columns, words, scores, options.split)
    groups = group or usual_groups(columns)
    place = {name: code for code, name in enumerate(scores.classes)}
    kept = scores.take(rows)
    found = Classification(
        scores.classes,
        np.array([place[words[row]] for row in rows], np.intp),
        kept.probability,
        kept.sets,
        scores.ordered,
        group_codes(columns[groups])[rows] if groups else None,
    )
    if groups:
        notes.append(f"Intervals are over whole groups of the column '{groups}'.")
    return Judged(kept, rows, found, tuple(notes))


def _measured_rows(
    columns: dict[str, np.ndarray], words: np.ndarray, scores: ClassScores, split: str | None
) -> tuple[np.ndarray, list[str]]:
    notes = []
    parts = given_split(columns, len(scores))
    if split is not None and (parts is None or not len(parts.get(split, ()))):
        raise InputError(f"No image has the split '{split}'; name train, val or test, or mark some in a sheet.")
    if split is None and parts is not None:
        split = next((part for part in ("test", "val") if len(parts[part])), None)
    if split is not None and parts is not None:
        rows = parts[split]
        notes.append(f"Measured on the {number_of(len(rows), 'image')} of the split '{split}'.")
        if scores.provenance.get(SEEN):
            notes += filter(None, [divided_groups(columns)])
    else:
        rows = np.arange(len(scores))
        if scores.provenance.get(SEEN):
            notes.append(
                "The model was fitted to these very images, so the numbers say what it remembers, not what it can do: "
                "measure on images it has not seen."
            )
    known = np.isin(words[rows], scores.classes)
    if not known.any():
        there = ", ".join(sorted(set(words[rows]) - {""})[:6]) or "nothing"
        raise InputError(
            f"No image has a class that the model knows ({', '.join(scores.classes)}); the column says {there}."
        )
    if not known.all():
        other = sorted({word for word in words[rows][~known] if word})
        what = f", such as '{other[0]}'" if other else ""
        of = "without a class that the model knows"
        counted = number_of(int((~known).sum()), f"image {of} is", f"images {of} are")
        notes.append(f"{counted} left out{what}.")
    return rows[known], notes
