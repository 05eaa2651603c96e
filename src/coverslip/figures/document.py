"""What every report page is made of: one file with all it shows, that forbids its browser every request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coverslip.core import InputError
from coverslip.figures.parts import environment, figure_part, flat_facts, prose, table_part
from coverslip.figures.style import save_figure
from coverslip.io.atomic import atomic_path


@dataclass(frozen=True)
class Page:
    """What is wanted of the page of a result, whatever its kind.

    Parameters
    ----------
    path : Path
        The ``.html`` to write.
    title : str
        Empty: the usual one.
    notes : list of str
        Paragraphs under the title; what is found out while the page is made is added.
    things : str
        What samples or objects are called, in the plural; empty: the usual word.
    figures, tables : dict
        Further ones, as for `write_document`; they stand before the others.
    figures_folder : Path or None
        Where every figure is written as PNG, too.
    first_epoch : int
        Loss curves from this epoch on.
    result : Path or None
        The file or folder of the result, where it has one: what took long to find out can be kept in it.
    """

    path: Path
    title: str = ""
    notes: list[str] = field(default_factory=list)
    things: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    figures_folder: Path | None = None
    first_epoch: int = 1
    result: Path | None = None


def page_path(path: str | Path) -> Path:
    """Where a page is to be written.

    Raises
    ------
    InputError
        If the ending is not that of a page.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: the page is HTML; give the file the ending .html.")
    return path


def write_document(
    path: Path,
    template: Path,
    *,
    title: str,
    notes: str | Sequence[str] = (),
    facts: Sequence[tuple[str, ...]] = (),
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    card: str = "",
    provenance: Mapping[str, Any] | None = None,
    **own: Any,
) -> Path:
    """Write a page, whole or not at all. All text is shown as text, whatever it looks like.

    Parameters
    ----------
    path : Path
        The ``.html`` to write.
    template : Path
        A template that extends ``base.html``; the styles and scripts beside it are at its hand, as ``name_css``.
    title : str
        Of the page.
    notes : str or sequence of str
        Paragraphs under the title.
    facts : sequence of tuple of str
        Numbers at the top: value, what it is, and perhaps an interval.
    figures : mapping, optional
        Caption to matplotlib figure or PNG bytes, or to a pair of that and a longer text.
    tables : mapping, optional
        Heading to rows; each row maps column to value, see `coverslip.figures.parts.table_part`.
    card : str
        The card of a model, Markdown.
    provenance : mapping, optional
        Of the result.
    **own
        What else the template shows.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the file cannot be written there.
    """
    page = (
        environment(template.parent)
        .get_template(template.name)
        .render(
            title=title,
            notes=[notes] if isinstance(notes, str) else list(notes),
            facts=[(*fact, "")[:3] for fact in facts],
            figures=[figure_part(caption, value) for caption, value in (figures or {}).items()],
            tables=[(heading, *table_part(rows)) for heading, rows in (tables or {}).items()],
            card=prose(card),
            provenance=flat_facts(dict(provenance or {})),
            **own,
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def save_figures(figures: Mapping[str, Any], folder: Path) -> None:
    """Write the figures of a page as PNG, named by their captions."""
    for caption, figure in figures.items():
        drawn = figure[0] if isinstance(figure, tuple) else figure
        if not isinstance(drawn, bytes):
            name = re.sub(r"\W+", "-", caption.lower()).strip("-")  # of classes, too, such as G2/M
            save_figure(drawn, folder / f"{name}.png")
