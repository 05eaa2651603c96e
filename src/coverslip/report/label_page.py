"""One self-contained page to look at label images: outlines over pictures, the worst first, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverslip.core.errors import InputError
from coverslip.read.atomic import atomic_path
from coverslip.report.encode import script_json
from coverslip.report.overlays import COLOURS, FALSE, MISSED, RIGHT, Overlay
from coverslip.report.parts import environment, figure_part, flat_facts, prose, table_column, table_part


@dataclass(frozen=True)
class Shot:
    """One picture of the page.

    Parameters
    ----------
    name, note : str
        What stands under it: the image, and how good it is.
    row : int
        Its row in the table of images.
    overlay : Overlay
        The picture.
    """

    name: str
    note: str
    row: int
    overlay: Overlay


def write_label_page(
    path: str | Path,
    shots: Sequence[Shot],
    columns: Mapping[str, tuple[Any, str]],
    *,
    title: str = "Segmentation",
    notes: str | Sequence[str] = (),
    facts: Sequence[tuple[str, str, str]] = (),
    measured: bool = False,
    odd: str = "odd size or shape",
    ordered: str = "",
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    card: str = "",
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write the report page of label images.

    The page holds everything it shows and forbids its browser every request. All text is shown as text, whatever it
    looks like.

    Parameters
    ----------
    path : str or Path
        The ``.html`` to write, whole or not at all.
    shots : sequence of Shot
        Pictures, the worst first.
    columns : mapping of str to (array of shape (N,), str)
        The table of images: heading to values and a longer explanation.
    title : str
        Of the page.
    notes : str or sequence of str
        Paragraphs under the title.
    facts : sequence of (str, str, str)
        Numbers at the top: value, what it is, interval.
    measured : bool
        Whether outlines say what is right, false and missed; else what is ordinary and odd.
    odd : str
        What the outlines of the second kind mean, where nothing was measured.
    ordered : str
        A sentence on what the order of the pictures means.
    figures : mapping, optional
        Caption to matplotlib figure, or to a pair of that and a longer text. They hold no pictures: in a dark room
        their lightness is turned round.
    tables : mapping, optional
        Heading to rows, as for `coverslip.report.page.write_page`.
    card : str
        The card of the model, Markdown.
    provenance : mapping, optional
        Of the result.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the ending is another, or the file cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: the page is HTML; give the file the ending .html.")
    if measured:
        key = [(COLOURS[RIGHT], "right"), (COLOURS[FALSE], "false"), (COLOURS[MISSED], "missed")]
    else:
        key = [(COLOURS[RIGHT], "found"), (COLOURS[FALSE], odd)]
    listed = [table_column(name, values, meant) for name, (values, meant) in columns.items()]
    data = {
        "columns": listed,
        "shots": [
            {
                "name": shot.name,
                "note": shot.note,
                "row": shot.row,
                "picture": shot.overlay.picture,
                "outlines": shot.overlay.outlines,
                "small": shot.overlay.small,
                "width": shot.overlay.width,
                "height": shot.overlay.height,
            }
            for shot in shots
        ],
    }
    count = len(listed[0]["values"]) if listed else 0
    shown = len({shot.row for shot in shots})
    page = (
        environment()
        .get_template("labels.html")
        .render(
            title=title,
            notes=[notes] if isinstance(notes, str) else list(notes),
            facts=list(facts),
            key=key,
            worst="worst" if measured else "most suspicious",
            ordered=ordered,
            sampled=f"Pictures are kept of {shown} of {count:,} images." if shown < count else "",
            figures=[figure_part(caption, value) for caption, value in (figures or {}).items()],
            tables=[(heading, *table_part(rows)) for heading, rows in (tables or {}).items()],
            card=prose(card),
            provenance=flat_facts(dict(provenance or {})),
            data=script_json(data),
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path
