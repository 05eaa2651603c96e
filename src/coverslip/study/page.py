"""One self-contained page of a study: what was asked, what came out, a figure, tables, where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.figures.document import write_document
from coverslip.io import atomic_path


def write_study_page(
    out: Path,
    *,
    title: str,
    notes: Sequence[str],
    facts: Sequence[tuple[str, str]],
    figures: Mapping[str, Any],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    provenance: Mapping[str, Any],
) -> Path:
    """Write the page of a study, and where it comes from.

    Parameters
    ----------
    out : Path
        Folder of the study. Gets ``provenance.json`` and ``report.html``, each whole or not at all; the page opens
        offline and sends nothing anywhere.
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
        The page.
    """
    write_provenance(out, provenance)
    return write_document(
        out / "report.html",
        Path(__file__).parent / "assets" / "study.html",
        title=title,
        notes=notes,
        facts=facts,
        figures=figures,
        tables=tables,
        provenance=provenance,
    )


def write_provenance(out: Path, provenance: Mapping[str, Any]) -> None:
    """Write where a study comes from into its folder."""
    with atomic_path(out / "provenance.json") as temporary:
        temporary.write_text(json.dumps(provenance, indent=2, default=str), encoding="utf-8")
