"""Scores as a table for spreadsheets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from coverslip.core import ClassScores, InputError, Written
from coverslip.io.atomic import free_place
from coverslip.results.scores.file import write_scores
from coverslip.results.scores.options import Export


def export(scores: ClassScores, out: str | Path | None, images: Any, force: bool, options: Export) -> list[Written]:
    """Write scores in another form; see `coverslip.verbs.export.export`."""
    if not options.csv:
        raise InputError("Say in which form to export: csv (the table of images, for spreadsheets).")
    if options.error_rate is not None:
        scores = replace(scores, error_rate=options.error_rate)
    return [Written(write_scores(scores, free_place(out or "scores.csv", (".csv",), force)))]
