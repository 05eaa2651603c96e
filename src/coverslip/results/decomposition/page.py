"""One self-contained page to look at decompositions: each image grows again object by object, and each can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.figures.document import page_path, write_document
from coverslip.figures.encode import script_json
from coverslip.figures.parts import table_column
from coverslip.results.decomposition.replays import Replay

TOO_MUCH, LEFT = "#33bbff", "#ffb000"
"""What is explained too much, and what is not explained: apart for colour-blind readers, on black where all is well."""


def write_decomposition_page(
    path: str | Path,
    replays: Sequence[Replay],
    columns: Mapping[str, tuple[Any, str]],
    *,
    ordered: str = "",
    **common: Any,
) -> Path:
    """Write the report page of decompositions.

    The page holds everything it shows and forbids its browser every request. All text is shown as text, whatever it
    looks like.

    Parameters
    ----------
    path : str or Path
        The ``.html`` to write, whole or not at all.
    replays : sequence of Replay
        Images that can be replayed, in the order in which they are offered.
    columns : mapping of str to (array of shape (N,), str)
        The table of images: heading to values and a longer explanation.
    ordered : str
        A sentence on what the order of the images means.
    **common
        What every page shows, ``title`` to ``provenance``: see `coverslip.figures.document.write_document`. In a dark
        room the lightness of figures is turned round, so they hold no pictures.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the ending is another, or the file cannot be written there.
    """
    path = page_path(path)
    listed = [table_column(name, values, meant) for name, (values, meant) in columns.items()]
    data = {
        "columns": listed,
        "colours": {"too_much": TOO_MUCH, "left": LEFT},
        "images": [{"name": one.name, "note": one.note, "row": one.row, **one.data} for one in replays],
    }
    count = len(listed[0]["values"]) if listed else 0
    shown = len({one.row for one in replays})
    return write_document(
        path,
        Path(__file__).parent / "assets" / "decompositions.html",
        **{"title": "Decomposition", **common},
        ordered=ordered,
        sampled=f"{shown} of {count:,} images can be replayed." if shown < count else "",
        several=len(replays) > 1,
        any=bool(replays),
        too_much=TOO_MUCH,
        left=LEFT,
        data=script_json(data),
    )
