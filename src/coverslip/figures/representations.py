"""Several representations of the same samples side by side: their maps, and what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures.colours import ACCENT, MISSING, OTHER
from coverslip.figures.columns import Column, describe_column
from coverslip.figures.style import bare, figure_of, short, styled

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
    figure = figure_of(3.0 * across, 3.1 * down + 0.5)
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
        entries.append((OTHER, f"{len(column.categories) - len(entries)} others"))
    dots = [Line2D([], [], linestyle="", marker="o", markersize=6, color=colour) for colour, _ in entries]
    figure.legend(dots, [group for _, group in entries], loc="outside lower center", ncols=min(8, len(entries)))


@styled
def measures_beside(rows: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> Figure:
    """A panel for each measure, with a point and an interval for each representation, the first one on top.

    Parameters
    ----------
    rows : sequence of mapping
        For each representation its name (``representation``) and ``(value, low, high)`` by measure; what was not
        measured of one is left out.
    measures : sequence of str
        Which are drawn.
    """
    from matplotlib.ticker import MaxNLocator

    across = min(len(measures), _ACROSS)
    down = -(-len(measures) // across)
    names = [str(row["representation"]) for row in rows]
    figure = figure_of(2.7 * across + 0.8, (0.8 + 0.3 * len(rows)) * down)
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, measure in zip(panels.ravel(), measures, strict=False):
        for place, row in enumerate(rows):
            if not isinstance(row.get(measure), tuple):
                continue
            value, low, high = row[measure]
            axes.plot([low, high], [place, place], color=ACCENT, linewidth=2, alpha=0.45)
            axes.plot(value, place, "o", color=ACCENT, markersize=5)
            axes.annotate(short(value), (value, place), xytext=(0, 5), textcoords="offset points", ha="center", size=7)
        axes.set_title(fill(measure, 28))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.margins(x=0.15)
    panels[0, 0].set_yticks(range(len(rows)), names)
    panels[0, 0].set_ylim(len(rows) - 0.5, -0.6)
    for axes in panels.ravel()[len(measures) :]:
        axes.remove()
    return figure
