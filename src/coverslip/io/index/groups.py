"""The nearest slides, patients, wells of an index: everything that has one value in a column is one hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.index.conditions import written
from coverslip.io.index.nearest import Hits, checked, distances, rows_at, scored
from coverslip.io.index.store import Index


def nearest_groups(
    index: Index,
    queries: np.ndarray,
    column: str,
    top: int = 10,
    *,
    where: str = "",
    apart: Mapping[str, Sequence[Any]] | None = None,
) -> Hits:
    """The groups of an index that are most like some queries taken together.

    A group is as far from them as they are, in the mean, from what in it is most like each.

    Parameters
    ----------
    index : Index
        Where to look.
    queries : ndarray, shape (Q, D)
        Such as the patches of a slide.
    column : str
        What the samples of a group have in common; those without a value are of none.
    top, where, apart
        As for `coverslip.io.index.nearest.nearest`.

    Returns
    -------
    Hits
        A row per group, with what the index knows of the sample in it that is most like any query.

    Raises
    ------
    InputError
        If the index has no such column, or the queries do not fit it.
    """
    queries = checked(index, queries, top)
    if column not in index.columns:
        raise InputError(f"There is no column '{column}' to take together; there are: {', '.join(index.columns)}.")
    names, codes = _codes(index, column)
    near = np.full((len(queries), len(names)), -np.inf, np.float32)
    best = np.full(len(names), -np.inf, np.float32)
    place = np.zeros(len(names), np.int64)
    for rows, scores in scored(index, queries, where, apart or {}):
        own = codes[rows]
        known = own >= 0
        rows, scores, own = rows[known], scores[:, known], own[known]
        if not len(rows):
            continue
        order = np.argsort(own, kind="stable")
        rows, scores, own = rows[order], scores[:, order], own[order]
        starts = np.flatnonzero(np.r_[True, own[1:] != own[:-1]])
        here = own[starts]
        near[:, here] = np.maximum(near[:, here], np.maximum.reduceat(scores, starts, axis=1))
        nearest_any = scores.max(axis=0)
        last = np.lexsort((nearest_any, own))[np.r_[starts[1:], len(own)] - 1]
        better = nearest_any[last] > best[here]
        best[here[better]], place[here[better]] = nearest_any[last[better]], rows[last[better]]
    found = np.flatnonzero(np.isfinite(best))
    # Of a query from which all of a group is kept apart, the group says nothing.
    far = np.ma.masked_invalid(near[:, found])
    mean = np.asarray(np.ma.mean(np.ma.masked_array(distances(index, far.filled(0)), far.mask), axis=0))
    order = np.argsort(mean, kind="stable")[:top]
    rows_found = rows_at(index, place[found[order]])
    n = len(order)
    return Hits(np.zeros(n, int), np.arange(1, n + 1), mean[order].astype(np.float32), rows_found)


def _codes(index: Index, column: str) -> tuple[list[str], np.ndarray]:
    """The values of a column in all segments, and which each row has; -1: none."""
    numbers: dict[str, int] = {}
    parts = []
    for segment in index.segments:
        coded = segment.coded(column)
        own = [numbers.setdefault(written(value), len(numbers)) if str(value) else -1 for value in coded.values]
        parts.append(np.array([*own, -1])[coded.codes])
    return list(numbers), np.concatenate(parts) if parts else np.zeros(0, int)
