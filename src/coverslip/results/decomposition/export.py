"""Decompositions in the forms of other programs: the outlines are those of whole objects, which may overlap."""

from __future__ import annotations

from pathlib import Path

from coverslip.core import Written
from coverslip.results.decomposition.folder import read_layers
from coverslip.results.labels.export import export_with
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.options import Export


def export(
    found: LabelFolder, out: str | Path | None, images: str | Path | None, force: bool, options: Export
) -> list[Written]:
    """Write decompositions in other forms; see `coverslip.verbs.export.export`."""
    return export_with(read_layers, found, out, images, force, options)
