"""One self-contained page of a study: what was asked, what came out, a figure, tables, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.read.atomic import atomic_path
from coverslip.report.parts import environment, figure_part, flat_facts, table_part


def write_study_page(
    path: str | Path,
    *,
    title: str,
    notes: Sequence[str],
    facts: Sequence[tuple[str, str]],
    figures: Mapping[str, Any],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    provenance: Mapping[str, Any],
) -> Path:
    """Write the page of a study.

    Parameters
    ----------
    path : str or Path
        The ``.html`` to write, whole or not at all. It opens offline and sends nothing anywhere.
    title, notes : str and sequence of str
        Heading, and paragraphs below it.
    facts : sequence of (str, str)
        Numbers at the top and what they are of.
    figures, tables : mapping
        As for `coverslip.report.page.write_page`.
    provenance : mapping
        Inputs, settings, seeds, versions.

    Returns
    -------
    Path
        Where it was written.
    """
    path = Path(path)
    page = (
        environment()
        .get_template("study.html")
        .render(
            title=title,
            notes=list(notes),
            facts=list(facts),
            figures=[figure_part(caption, value) for caption, value in figures.items()],
            tables=[(heading, *table_part(rows)) for heading, rows in tables.items()],
            provenance=flat_facts(provenance),
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path
