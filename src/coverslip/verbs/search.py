"""The verb search: the samples of an index that are most like others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Written, about
from coverslip.io.atomic import free_place
from coverslip.io.index.nearest import Hits, nearest
from coverslip.io.index.store import Index, open_index
from coverslip.io.tables import write_table
from coverslip.samples.opening.vectors import open_vectors
from coverslip.verbs.index import described
from coverslip.verbs.predict import predict

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
    model: Any = None,
    device: str = "auto",
) -> Hits:
    """Find the samples of an index that are most like others.

    Parameters
    ----------
    index : Index, str or Path
        Where to look.
    query : str, Path, Embedding, AnnData, ndarray, or images as for `coverslip.predict`
        What to look for. Vectors are taken as they are; images are embedded with the model of the index.
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
    return _found(index, query, like, top, where, apart, together, model, device)[0]


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
    asked = {"like": (), "top": 10, "where": "", "apart": (), "together": False, "model": None, "device": "auto", **how}
    hits, queries = _found(index, query, *asked.values())
    written = []
    for path in places:
        notes: tuple[str, ...] = ()
        if path.suffix == ".html":
            from coverslip.results.embedding.hits import write_hits

            notes = write_hits(hits, queries, index if isinstance(index, Index) else open_index(index), path)
        else:
            write_table(hits.table, path)
        written.append(Written(path, f"{len(hits):,} hits", notes=notes))
    return hits, tuple(written)


def _found(
    index: Index | str | Path,
    query: Any,
    like: Sequence[str],
    top: int,
    where: str,
    apart: Sequence[str],
    together: bool,
    model: Any,
    device: str,
) -> tuple[Hits, dict[str, np.ndarray]]:
    """The hits, and what is known of each query."""
    within = index if isinstance(index, Index) else open_index(index)
    if (query is None) == (not like):
        raise InputError("Say what to look for: images, an embedding, or samples of the index (--like ID).")
    if like:
        vectors, known = within.find(list(like)), _known(within, like)
    else:
        embedding = _embedded(within, query, model, device)
        vectors = embedding.latent
        known = described(embedding, Path(query).stem if isinstance(query, str | Path) else "")
    missing = [column for column in apart if column not in known or column not in within.columns]
    if missing:
        raise InputError(
            f"There is no column '{missing[0]}' in both query and index to keep them apart by; both have: "
            f"{', '.join(name for name in within.columns if name in known)}."
        )
    values = {column: [str(value) for value in known[column]] for column in (*apart, "id")}
    return nearest(within, vectors, top, where=where, apart=values, together=together), known


def _known(within: Index, ids: Sequence[str]) -> dict[str, np.ndarray]:
    rows = {one: (segment, row) for segment, row, one in within.samples() if one in set(ids)}
    places = [rows[one] for one in ids]
    return {
        name: np.array([segment.table[name][row] if name in segment.table else None for segment, row in places], object)
        for name in within.columns
    }


def _embedded(within: Index, query: Any, model: Any, device: str) -> Embedding:
    is_path = isinstance(query, str | Path)
    vectors = Path(query).suffix.lower() == ".h5ad" if is_path else hasattr(query, "obs") or np.ndim(query) == 2
    if isinstance(query, Embedding) or vectors:
        with about(query if is_path else None):
            return open_vectors(query)
    used = model or within.model.get("folder")
    if used is None:
        raise InputError(
            f"{within.folder} does not say which model made its vectors; name it (--model), to embed {query}."
        )
    found: Embedding = predict(used, query, device=device, clusters=0)
    return found
