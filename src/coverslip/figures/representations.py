"""Maps of several representations of the same samples, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core.words import number_of
from coverslip.figures.colours import ACCENT, MISSING, OTHER
from coverslip.figures.columns import Column, describe_column
from coverslip.figures.style import bare, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS = 4


@styled
def maps_beside(maps: Mapping[str, np.ndarray], colour: Any = None, name: str = "") -> Figure:
    """A map of each representation, all in the colours of one column.

    Parameters
    ----------
    maps : mapping of str to ndarray, shape (N, 2)
        By representation; all of the same samples.
    colour : array-like, shape (N,), optional
        The column. Where it has no groups (every value its own, or numbers), one colour is drawn.
    name : str
        What the column is called.
    """
    count = len(next(iter(maps.values())))
    column = None if colour is None else describe_column(name, colour)
    grouped = column if column is not None and column.kind == "category" else None
    points = np.full(count, ACCENT, dtype=object) if grouped is None else _colours(grouped)
    order = np.random.default_rng(0).permutation(count)  # so that no group covers the others
    across = min(len(maps), _ACROSS)
    down = -(-len(maps) // across)
    figure = figure_of(max(9.0, 3.0 * across), 3.1 * down + 0.5)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    size = float(np.clip(4000 / count, 1.5, 16))
    for axes, (title, xy) in zip(panels, maps.items(), strict=False):
        x, y = xy[order].T
        bare(axes).scatter(x, y, s=size, c=points[order].tolist(), alpha=0.85, linewidths=0, rasterized=True)
        axes.set(aspect="equal", adjustable="datalim")
        axes.set_title(title)
    for axes in panels[len(maps) :]:
        axes.remove()
    if grouped is not None:
        _legend(figure, grouped)
    return figure


def _colours(column: Column) -> np.ndarray:
    return np.array([*column.colours, MISSING], dtype=object)[column.values]


def _legend(figure: Figure, column: Column) -> None:
    from matplotlib.lines import Line2D

    entries = [(c, g) for g, c in zip(column.categories, column.colours, strict=True) if c != OTHER]
    if len(entries) < len(column.categories):
        entries.append((OTHER, number_of(len(column.categories) - len(entries), "other")))
    dots = [Line2D([], [], linestyle="", marker="o", markersize=6, color=colour) for colour, _ in entries]
    figure.legend(dots, [group for _, group in entries], loc="outside lower center", ncols=min(8, len(entries)))
