"""What a study of fields leaves behind: tables, one figure, one page, where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import provenance
from coverslip.io import write_table
from coverslip.study.fields.fits import Outcome
from coverslip.study.fields.pooling import disagreements
from coverslip.study.fields.tables import fit_rows, image_rows, summary_rows, wide
from coverslip.study.findings import Findings, Rows, columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INTERVALS = (
    "Values are of all objects, or pixels, of the held-out fields taken together. Dots are single restarts (other "
    "seeds); bands, lines and the numbers beside a value are 95 % bootstrap intervals over the fields, so they say how "
    "much other fields would change it. Means over fields stand in a table of their own: where fields hold few objects "
    "or none, they can reverse a finding."
)


def write_study(
    out: Path,
    study: str,
    outcomes: Sequence[Outcome],
    *,
    keys: Sequence[str],
    groups: np.ndarray | None,
    draw: Callable[[Rows], Figure],
    title: str,
    notes: Callable[[Rows], list[str]],
    facts: Sequence[tuple[str, str]],
    record: Mapping[str, Any],
    more: Mapping[str, tuple[Any, str]] | None = None,
) -> Findings:
    """Write the tables, the figure and the page of a study.

    Parameters
    ----------
    out : Path
        Gets ``table.csv`` (a row per fit, group and measure), ``images.csv`` (a row per fit and evaluated field),
        ``summary.csv`` (means over restarts), ``<study>.png``, ``report.html`` and ``provenance.json``.
    study : str
        Its name.
    outcomes : sequence of Outcome
        What was fitted and evaluated.
    keys : sequence of str
        Columns that say what was fitted.
    groups : ndarray of str, optional
        The group of every row of the fields.
    draw : callable
        From points (see `summary_rows`) to the figure.
    title, facts
        Of the page.
    notes : callable
        From points to sentences of the page.
    record : mapping
        Provenance: inputs, settings, options.
    more : mapping of str to (Figure or bytes, str), optional
        Further figures of the page, each with its caption.

    Returns
    -------
    Findings
    """
    from coverslip.figures import save_figure
    from coverslip.figures.studies import TITLES
    from coverslip.study.page import write_study_page

    images = image_rows(outcomes, groups)
    points = summary_rows(images, keys)
    write_table(columns(fit_rows(study, outcomes, groups)), out / "table.csv")
    write_table(columns(images), out / "images.csv")
    write_table(columns(points, leave_out=("each",)), out / "summary.csv")
    figure = save_figure(draw(points), out / f"{study}.png")
    table, said = wide(points, keys, tuple(TITLES)), [*notes(points), *disagreements(points, keys, TITLES)]
    full = provenance(study=study, **record)
    write_study_page(
        out,
        title=title,
        notes=said,
        facts=facts,
        figures={title: (figure.read_bytes(), _INTERVALS), **(more or {})},
        tables={
            "All objects pooled, means over restarts": table,
            "Means over fields and restarts": wide(points, keys, tuple(TITLES), "mean"),
        },
        provenance=full,
    )
    return Findings(points, said, table)
