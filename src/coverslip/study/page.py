"""One self-contained page of a study: what was asked, what came out, a figure, tables, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.figures.document import page_path, write_document


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
        As for `coverslip.results.embedding.page.write_page`.
    provenance : mapping
        Inputs, settings, seeds, versions.

    Returns
    -------
    Path
        Where it was written.
    """
    path = page_path(path)
    return write_document(
        path,
        Path(__file__).parent / "assets" / "study.html",
        title=title,
        notes=notes,
        facts=facts,
        figures=figures,
        tables=tables,
        provenance=provenance,
    )
