"""What a column of facts is, for drawing: categories, numbers or plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.figures.colours import CATEGORIES, OTHER, category_colours

FEW = 12
"""Up to this many distinct whole numbers count as categories (clusters, wells, days)."""


_EXACT = 2**53
"""The largest whole number up to which every one is exact in a browser."""


@dataclass(frozen=True)
class Column:
    """A column of N facts.

    Parameters
    ----------
    name : str
        Its heading.
    kind : str
        ``"category"``, ``"number"`` or ``"text"`` (nearly every value its own: ids, file names).
    values : ndarray, shape (N,)
        Numbers for ``"number"`` (as given), text for ``"text"``, codes for ``"category"``: the position in
        `categories`, -1 where missing.
    categories : tuple of str
        Names in their order; empty unless ``"category"``.
    colours : tuple of str
        ``#rrggbb`` per category. Beyond the palette the rarest share one grey.
    """

    name: str
    kind: str
    values: np.ndarray = field(repr=False)
    categories: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """How many have each category, ``(len(categories),)``."""
        return np.bincount(self.values[self.values >= 0], minlength=len(self.categories))


def describe_column(name: str, values: Any) -> Column:
    """Find out what a column is.

    A pandas categorical keeps the order of its categories if it is ordered; all others are sorted as people count
    (``2`` before ``10``).

    Parameters
    ----------
    name : str
        Heading.
    values : array-like, shape (N,)
        Numbers, truth values, text or a pandas categorical.

    Returns
    -------
    Column
    """
    import pandas as pd

    series = pd.Series(values).reset_index(drop=True)
    ordered = isinstance(series.dtype, pd.CategoricalDtype) and bool(series.cat.ordered)
    if not isinstance(series.dtype, pd.CategoricalDtype):
        numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
        whole = pd.api.types.is_integer_dtype(series)
        if whole and series.abs().max() > _EXACT:  # hashes and the like: ids, not quantities
            numeric = False
        if numeric and not (whole and series.nunique() <= FEW):
            nullable = series.hasnans and not isinstance(series.dtype, np.dtype)
            array = series.to_numpy(np.float64, na_value=np.nan) if nullable else series.to_numpy()
            return Column(name, "number", array)
    missing = series.isna().to_numpy()
    text = series.astype(str).to_numpy(dtype=object)
    if ordered:
        kept = [str(c) for c in series.cat.categories]
        found = [c for c in kept if c in set(text[~missing])]
    else:
        found = sorted(set(text[~missing]), key=natural_key)
    if not found or (len(found) > len(CATEGORIES) and len(found) > 0.5 * len(text)):
        text[missing] = ""
        return Column(name, "text", text)
    position = {category: i for i, category in enumerate(found)}
    codes = np.array([-1 if gone else position[t] for t, gone in zip(text, missing, strict=True)], dtype=np.int32)
    column = Column(name, "category", codes, tuple(found))
    return Column(name, "category", codes, tuple(found), _palette(column.counts))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts text as people count: ``A2`` before ``A10``."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in parts if p]


_MOST_COLOURS = 40
"""Categories with a colour of their own; rarer ones share a grey."""


def _palette(counts: np.ndarray) -> tuple[str, ...]:
    if len(counts) <= len(CATEGORIES):
        return CATEGORIES[: len(counts)]
    # The most frequent get the colours that are told apart best, then others get theirs, each in their order.
    ranked = np.argsort(-counts, kind="stable")[:_MOST_COLOURS]
    given = category_colours(len(ranked))
    colours = [OTHER] * len(counts)
    for part in (slice(len(CATEGORIES)), slice(len(CATEGORIES), None)):
        for colour, i in zip(given[part], np.sort(ranked[part]), strict=True):
            colours[i] = colour
    return tuple(colours)
