"""The verb search: the samples of an index that are most like others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Written
from coverslip.core.words import number_of
from coverslip.io.atomic import free_place
from coverslip.io.index.groups import nearest_groups
from coverslip.io.index.nearest import Hits, nearest
from coverslip.io.index.store import Index, open_index
from coverslip.io.tables import write_table
from coverslip.verbs.index import described
from coverslip.verbs.vectors import vectors_of

_ENDINGS = (".csv", ".parquet", ".html")


def search(
    index: Index | str | Path,
    query: Any = None,
    *,
    like: Sequence[str] = (),
    top: int = 10,
    where: str = "",
    apart: Sequence[str] = (),
    together: bool = False,
    by: str = "",
    region: str | None = None,
    model: Any = None,
    device: str = "auto",
) -> Hits:
    """Find the samples of an index that are most like others.

    Parameters
    ----------
    index : Index, str or Path
        Where to look.
    query : str, Path, Embedding, AnnData, ndarray, or images as for `coverslip.predict`
        What to look for. Vectors are taken as they are, those of a slide store too; images and slides are embedded with
        the model of the index.
    like : sequence of str
        Samples of the index to look for instead, by their ids.
    top : int
        Hits for each query.
    where : str
        Conditions that hits fulfil, such as ``"tissue = 'liver' and day >= 7"``.
    apart : sequence of str
        Columns that a hit has another value in than the query, such as ``patient``. The query itself is never a hit.
    together : bool
        The queries are one, such as the patches of a region.
    by : str
        A column, such as ``slide`` or ``patient``: everything with one value in it is one hit, and the queries are one,
        too. A group is as far from them as they are, in the mean, from what in it is most like each.
    region : str, optional
        Of a slide this part alone, its patches together: ``"x,y,width,height"`` in µm, or a GeoJSON with outlines.
    model : Model, str or Path, optional
        The model that embeds images, if it has moved since.
    device : str
        Where they are embedded.

    Returns
    -------
    Hits
        ``hits.table`` has a row per hit: ``query``, ``rank``, ``distance``, ``id`` and what the index knows.

    Raises
    ------
    InputError
        If query and index do not fit, or a condition cannot be read.
    """
    asked = _Asked(tuple(like), top, where, tuple(apart), together, by, region, model, device)
    return _found(index, query, asked)[0]


def search_to_file(
    index: str | Path,
    query: str | Path | None = None,
    out: Sequence[str | Path] = (),
    *,
    force: bool = False,
    **how: Any,
) -> tuple[Hits, tuple[Written, ...]]:
    """Search, and write what was found.

    Parameters
    ----------
    index, query, **how
        As for `search`.
    out : sequence of str or Path
        Where to: tables (``.csv``, ``.parquet``), and a page with the pictures (``.html``).
    force : bool
        Replace files that are there.

    Returns
    -------
    hits : Hits
    written : tuple of Written
        Each file, with notes on what it does not show.
    """
    places = [free_place(path, _ENDINGS, force) for path in out]
    hits, queries, complaints = _found(index, query, _Asked(**how))
    written = []
    for path in places:
        notes = complaints
        if path.suffix == ".html":
            from coverslip.results.embedding.hits import write_hits

            notes += write_hits(hits, queries, index if isinstance(index, Index) else open_index(index), path)
        else:
            write_table(hits.table, path)
        written.append(Written(path, number_of(len(hits), "hit"), notes=notes))
    return hits, tuple(written)


@dataclass(frozen=True)
class _Asked:
    """How to search; see `search`."""

    like: tuple[str, ...] = ()
    top: int = 10
    where: str = ""
    apart: tuple[str, ...] = ()
    together: bool = False
    by: str = ""
    region: str | None = None
    model: Any = None
    device: str = "auto"


def _found(index: Index | str | Path, query: Any, asked: _Asked) -> tuple[Hits, dict[str, np.ndarray], tuple[str, ...]]:
    """The hits, what is known of each query, and sentences on what was left out."""
    within = index if isinstance(index, Index) else open_index(index)
    like = asked.like
    notes: tuple[str, ...] = ()
    if (query is None) == (not like):
        raise InputError("Say what to look for: images, an embedding, or samples of the index (--like ID).")
    if like:
        vectors, known = within.find(list(like)), _known(within, like)
    else:
        how = {"model": asked.model, "device": asked.device, "region": asked.region}
        embedding, notes = vectors_of(query, known=dict(within.model), **how)
        vectors = embedding.latent
        known = described(embedding, Path(query).stem if isinstance(query, str | Path) else "")
    apart = list(asked.apart)
    missing = [column for column in apart if column not in known or column not in within.columns]
    if missing:
        raise InputError(
            f"There is no column '{missing[0]}' in both query and index to keep them apart by; both have: "
            f"{', '.join(name for name in within.columns if name in known)}."
        )
    if asked.by and asked.by in known:
        apart.append(asked.by)  # a slide is no hit of its own
    values = {column: known[column].tolist() for column in (*apart, "id")}
    if asked.by:
        hits = nearest_groups(within, vectors, asked.by, asked.top, where=asked.where, apart=values)
    else:
        together = asked.together or asked.region is not None
        hits = nearest(within, vectors, asked.top, where=asked.where, apart=values, together=together)
    return hits, known, notes


def _known(within: Index, ids: Sequence[str]) -> dict[str, np.ndarray]:
    places = within.places(ids)
    return {
        name: np.array(
            [segment.table.at(name, [row])[0] if name in segment.table else None for segment, row in places], object
        )
        for name in within.columns
    }
