"""A page of what a search found: each query beside what is most like it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import counted
from coverslip.figures.document import write_document
from coverslip.figures.galleries import gallery
from coverslip.figures.thumbnails import thumbnails
from coverslip.io.index.nearest import Hits
from coverslip.io.index.store import Index
from coverslip.io.paths import PARTS
from coverslip.samples.opening.again import images_of

_MOST = 20
"""Queries that are shown as pictures."""
_NAMES = ("label", "treatment", "tissue", "stain", "organ", "patient", "slide", "cluster", "group", "well")
"""Columns of the table; the first that there is stands under each picture, too."""


def write_hits(hits: Hits, queries: Mapping[str, np.ndarray], index: Index, path: Path) -> tuple[str, ...]:
    """Write the page; sentences on what it does not show.

    Parameters
    ----------
    hits : Hits
        What was found.
    queries : mapping of str to ndarray
        What is known of each query.
    index : Index
        Where it was found.
    path : Path
        The ``.html`` to write.
    """
    asked = len(np.unique(hits.query))
    shown = hits.query < _MOST
    notes = [] if shown.all() else [f"Of {asked:,} queries the first {_MOST} are shown; a table (.csv) has all."]
    figures = {}
    pictures, complaint = _pictures(hits, queries, index, shown)
    if pictures is None:
        notes.append(f"The pictures are not shown: {complaint}")
    else:
        figures["What is most like each query"] = (
            gallery(pictures, _words(hits, queries, shown)),
            "On the left the query, beside it its hits, the nearest first, with their distance.",
        )
    told = [
        name for name in ("query", "rank", "distance", "image", *PARTS, "x_um", "y_um", *_NAMES) if name in hits.table
    ]
    rows = [
        {name: Path(str(row[name])).name if name == "image" else row[name] for name in told}
        for row in hits.records(int(shown.sum()))
    ]
    facts = [
        counted(asked, "query", "queries"),
        (f"{len(index):,}", "samples in the index"),
        (index.metric, "distance"),
    ]
    write_document(
        path,
        Path(__file__).parent / "assets" / "hits.html",
        title="Search",
        notes=notes,
        facts=facts,
        figures=figures,
        tables={"Hits": rows},
    )
    return tuple(notes)


def _pictures(
    hits: Hits, queries: Mapping[str, np.ndarray], index: Index, shown: np.ndarray
) -> tuple[list[list[np.ndarray]] | None, str]:
    """A row of pictures per query, the query first where its image is known; or None and why not."""
    count = int(hits.query[shown].max(initial=-1)) + 1
    mine = {name: queries[name][:count] for name in ("image", *PARTS) if name in queries}
    theirs = {name: hits.rows[name][shown] for name in ("image", *PARTS) if name in hits.rows}
    if not count or "image" not in theirs:
        return None, "the index does not say where the images are."
    found = _thumbnails(theirs, index)
    if isinstance(found, str):
        return None, found
    first = _thumbnails(mine, index) if "image" in mine else ""
    blank = np.full_like(found[0], 255)
    rows = []
    for q in range(count):
        own = blank if isinstance(first, str) else first[q]
        rows.append([own, *found[hits.query[shown] == q]])
    return rows, ""


def _thumbnails(columns: Mapping[str, np.ndarray], index: Index) -> Any:
    provenance = {"model": dict(index.model), "inputs": {"folder": "/"}}
    try:
        opened, complaint = images_of(columns, provenance)
        return complaint if opened is None else thumbnails(opened, opened.channels)
    except InputError as error:
        return str(error)


def _words(hits: Hits, queries: Mapping[str, np.ndarray], shown: np.ndarray) -> list[list[str]]:
    name = next((name for name in _NAMES if name in hits.rows), None)
    rows = []
    for q in range(int(hits.query[shown].max(initial=-1)) + 1):
        at = np.flatnonzero(shown & (hits.query == q))
        own = _told(name, queries[name][q]) if name and name in queries else ""
        words = [f"{hits.distance[i]:.3g}" + (f"\n{_told(name, hits.rows[name][i])}" if name else "") for i in at]
        rows.append([f"query\n{own}".strip(), *words])
    return rows


def _told(name: str, value: Any) -> str:
    """A value in words; one that is a number alone with the name of its column."""
    text = "" if value is None or value != value else str(value)
    return f"{name} {text}" if text.isdecimal() else text
