"""One self-contained page to look at label images: outlines over pictures, the worst first, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coverslip.figures.document import page_path, write_document
from coverslip.figures.encode import script_json
from coverslip.figures.overlays import COLOURS, FALSE, MISSED, RIGHT, Overlay
from coverslip.figures.parts import table_column
from coverslip.figures.tiles import Tiles


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
    maps : str
        Two maps that labels are mixed of, as red and green of a PNG (data URI) as large as the picture; empty: none.
    mixing : mapping
        ``alpha`` and ``threshold`` that the labels were made with, where there are maps.
    tiles : Tiles or None
        The same at a higher resolution, for a closer look.
    coarse : bool
        Whether the image has a higher resolution still.
    """

    name: str
    note: str
    row: int
    overlay: Overlay
    maps: str = ""
    mixing: Mapping[str, float] = field(default_factory=dict)
    tiles: Tiles | None = None
    coarse: bool = False


def write_label_page(
    path: str | Path,
    shots: Sequence[Shot],
    columns: Mapping[str, tuple[Any, str]],
    *,
    measured: bool = False,
    odd: str = "odd size or shape",
    ordered: str = "",
    key: Sequence[tuple[str, str]] | None = None,
    result: str = "",
    **common: Any,
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
    measured : bool
        Whether outlines say what is right, false and missed; else what is ordinary and odd.
    odd : str
        What the outlines of the second kind mean, where nothing was measured.
    ordered : str
        A sentence on what the order of the pictures means.
    key : sequence of (str, str), optional
        Colours of outlines and what they mean; default: as `measured` says.
    result : str
        What the result is called, for the command that refines it.
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
    if key is not None:
        key = list(key)
    elif measured:
        key = [(COLOURS[RIGHT], "right"), (COLOURS[FALSE], "false"), (COLOURS[MISSED], "missed")]
    else:
        key = [(COLOURS[RIGHT], "found"), (COLOURS[FALSE], odd)]
    listed = [table_column(name, values, meant) for name, (values, meant) in columns.items()]
    data = {
        "columns": listed,
        "result": result,
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
                "maps": shot.maps,
                "mixing": dict(shot.mixing),
                "tiles": None if shot.tiles is None else vars(shot.tiles),
            }
            for shot in shots
        ],
    }
    count = len(listed[0]["values"]) if listed else 0
    shown = len({shot.row for shot in shots})
    return write_document(
        path,
        Path(__file__).parent / "assets" / "labels.html",
        **{"title": "Segmentation", **common},
        key=key,
        worst="worst" if measured else "most suspicious",
        ordered=ordered,
        sampled=f"Pictures are kept of {shown} of {count:,} images." if shown < count else "",
        data=script_json(data),
    )
