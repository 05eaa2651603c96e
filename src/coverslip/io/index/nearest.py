"""The nearest vectors of an index, found exactly by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.index.store import Index, Metric

_AT_ONCE = 1 << 22
"""Scores that are held at once."""
_DOUBLED = 1 << 15
"""Vectors that are held in double precision at once."""
_FEW = 0.2
"""Below this share of wanted rows they are gathered; above it all are looked at, which memory reads faster."""


@dataclass(frozen=True)
class Hits:
    """What a search found, a row per hit.

    Parameters
    ----------
    query : ndarray of int, shape (n,)
        Which query, from 0.
    rank : ndarray of int, shape (n,)
        1 is the nearest.
    distance : ndarray of float32, shape (n,)
        1 - cosine, or the Euclidean distance.
    rows : dict of str to ndarray, shape (n,)
        What the index knows of each; numbers are NaN and texts None where it knows nothing.
    """

    query: np.ndarray
    rank: np.ndarray
    distance: np.ndarray
    rows: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.query)

    @property
    def table(self) -> dict[str, np.ndarray]:
        """All of it as one table."""
        return {"query": self.query, "rank": self.rank, "distance": self.distance, **self.rows}

    def records(self, most: int) -> list[dict[str, Any]]:
        """The first rows, at most `most`, as records; empty cells are empty texts."""
        table = {name: column[:most].tolist() for name, column in self.table.items()}
        return [
            {name: "" if column[i] is None or column[i] != column[i] else column[i] for name, column in table.items()}
            for i in range(min(most, len(self)))
        ]


def nearest(
    index: Index,
    queries: np.ndarray,
    top: int = 10,
    *,
    where: str = "",
    apart: Mapping[str, Sequence[Any]] | None = None,
    together: bool = False,
) -> Hits:
    """The nearest vectors to each query.

    Parameters
    ----------
    index : Index
        Where to look.
    queries : ndarray, shape (Q, D)
        What to look for.
    top : int
        How many for each.
    where : str
        Conditions that a hit fulfils, see `coverslip.io.index.conditions.rows_where`.
    apart : mapping of str to sequence, optional
        Column to its value for each query: what has the same value is no hit. ``{"patient": [...]}`` gives cases of
        other patients.
    together : bool
        All queries are one, such as the patches of a region: a hit is near to any of them. Its distance is that to
        the nearest; what is apart is so from all.

    Raises
    ------
    InputError
        If the queries do not fit the index.
    """
    queries = checked(index, queries, top)
    best = [(np.empty(0, np.float32), np.empty(0, np.int64))] * (1 if together else len(queries))
    for rows, scores in scored(index, queries, where, apart or {}):
        if together:
            near = scores.max(axis=0, keepdims=True)
            scores = np.where(np.isneginf(scores).any(axis=0), -np.inf, near).astype(np.float32)
        best = [_best(known, row_scores, rows, top) for known, row_scores in zip(best, scores, strict=True)]
    best = [(found[np.isfinite(found)], rows[np.isfinite(found)]) for found, rows in best]
    lengths = [len(found) for found, _ in best]
    places = np.concatenate([rows for _, rows in best])
    scores = np.concatenate([found for found, _ in best])
    query = np.repeat(np.arange(len(best)), lengths)
    rank = np.concatenate([np.arange(1, n + 1) for n in lengths])
    return Hits(query, rank, distances(index, scores), rows_at(index, places))


def checked(index: Index, queries: np.ndarray, top: int) -> np.ndarray:
    """Queries as float32 ``(Q, D)``.

    Raises
    ------
    InputError
        If they do not fit the index.
    """
    queries = np.ascontiguousarray(np.atleast_2d(queries), dtype=np.float32)
    if queries.shape[1] != index.dimensions or not np.isfinite(queries).all():
        raise InputError(
            f"Queries of {index.folder} are {index.dimensions} finite numbers each; these have the shape "
            f"{queries.shape}: embed them with the model that the index was made with."
        )
    if top < 1:
        raise InputError(f"The number of hits is at least 1, not {top}.")
    return queries


def scored(
    index: Index, queries: np.ndarray, where: str, apart: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All rows that may be hits, some at a time, and how near each is to each query.

    Yields
    ------
    rows : ndarray of int64, shape (n,)
        Counted through all segments.
    scores : ndarray of float32, shape (Q, n)
        The higher the nearer; minus infinity where `apart` forbids a hit.
    """
    sought = _unit(queries) if index.metric == "cosine" else queries
    step = max(1, _AT_ONCE // len(queries))
    start = 0
    for segment in index.segments:
        wanted = segment.where(where, index.columns)
        rows = None if wanted.all() else np.flatnonzero(wanted)
        few = rows is not None and len(rows) < _FEW * len(wanted)
        forbidden = [segment.told_apart(name, values) for name, values in apart.items() if name in segment.table]
        for first in range(0, len(rows) if few and rows is not None else len(wanted), step):
            own: Any = slice(first, min(first + step, len(wanted)))
            if few and rows is not None:
                own = rows[own]
            scores = _near(segment.vectors[own], segment.lengths[own], sought, index.metric)
            here = own if isinstance(own, np.ndarray) else np.arange(own.start, own.stop)
            if rows is not None and not few:
                kept = wanted[own]
                scores, here = scores[:, kept], here[kept]
            for codes, theirs in forbidden:
                scores[theirs[:, None] == codes[here]] = -np.inf
            yield here + start, scores
        start += segment.rows


def _near(part: np.ndarray, lengths: np.ndarray, queries: np.ndarray, metric: Metric) -> np.ndarray:
    if metric == "cosine":
        return np.asarray((part @ queries.T).T / lengths)
    found = np.empty((len(queries), len(part)), np.float32)
    # Seen from the queries, and in double precision: what is left of the squares of long vectors would be noise.
    centre = queries.mean(axis=0, dtype=np.float64)
    sought = queries - centre
    for start in range(0, len(part), _DOUBLED):
        rows = part[start : start + _DOUBLED] - centre
        squares = np.einsum("nd,nd->n", rows, rows) + np.einsum("qd,qd->q", sought, sought)[:, None]
        found[:, start : start + len(rows)] = 2 * (sought @ rows.T) - squares
    return found


def _best(
    known: tuple[np.ndarray, np.ndarray], scores: np.ndarray, rows: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray]:
    """The best of those known and of others, the best first; of equal ones the first row."""
    if len(scores) > top:
        chosen = np.argpartition(scores, len(scores) - top)[-top:]
        scores, rows = scores[chosen], rows[chosen]
    scores, rows = np.r_[known[0], scores], np.r_[known[1], rows]
    order = np.lexsort((rows, -scores))[:top]
    return scores[order], rows[order]


def distances(index: Index, scores: np.ndarray) -> np.ndarray:
    """The distances that scores stand for."""
    found = np.maximum(0, 1 - scores if index.metric == "cosine" else 0 - scores)
    return (found if index.metric == "cosine" else np.sqrt(found)).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


def rows_at(index: Index, places: np.ndarray) -> dict[str, np.ndarray]:
    """What the index knows of rows, counted through all segments."""
    offsets = np.cumsum([0, *(segment.rows for segment in index.segments)])
    of = np.searchsorted(offsets, places, side="right") - 1
    found: dict[str, np.ndarray] = {}
    for name in index.columns:
        known = [segment.table.dtype(name) if name in segment.table else None for segment in index.segments]
        numbers = all(dtype is None or dtype.kind in "iufb" for dtype in known)
        whole = all(dtype is not None and dtype.kind in "iub" for dtype in known)
        column = np.full(len(places), np.nan if numbers else None, dtype=float if numbers else object)
        for i, (segment, dtype) in enumerate(zip(index.segments, known, strict=True)):
            at = of == i
            if dtype is not None and at.any():
                column[at] = segment.table.at(name, places[at] - offsets[i])
        found[name] = column.astype(known[0]) if whole and known[0] is not None else column
    return {"id": found.pop("id"), **found} if found else found
