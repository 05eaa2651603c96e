"""Figures of whole sections: what regions of each class hold, and which cells express a marker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from coverslip.figures.style import figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def composition_figure(
    counts: np.ndarray, classes: Sequence[str], regions: Sequence[str], colours: Mapping[str, str]
) -> Figure:
    """How the cells of each class are spread over regions: for each class of regions its share of their cells.

    Parameters
    ----------
    counts : ndarray of int, shape (R, K)
        Cells of each class (columns) in regions of each class (rows).
    classes, regions : sequence of str
        K and R names.
    colours : mapping of str to str
        Of the classes of cells.
    """
    counts = np.asarray(counts, float)
    figure = figure_of(max(4.0, 1.0 + 0.75 * len(regions)), 3.0 + 0.16 * len(classes))
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bottom = np.zeros(len(regions))
    for k, name in enumerate(classes):
        axes.bar(range(len(regions)), shares[:, k], bottom=bottom, color=colours[name], label=name, width=0.72)
        bottom += shares[:, k]
    for place, total in enumerate(counts.sum(axis=1).astype(int).tolist()):
        axes.text(place, 1.01, f"{total:,}", ha="center", va="bottom", fontsize=7)
    axes.set_xticks(range(len(regions)), list(regions), rotation=30 if len(regions) > 3 else 0)
    axes.set_ylabel("share of cells")
    axes.set_ylim(0, 1.08)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=7)
    return figure


@styled
def expression_figure(
    percent: np.ndarray, classes: Sequence[str], groups: Sequence[str], colours: Mapping[str, str], marker: str
) -> Figure:
    """Percentage of positive cells of each class (groups of bars) in regions of each class (colours).

    Parameters
    ----------
    percent : ndarray, shape (R, K)
        NaN where there are no such cells.
    classes, groups : sequence of str
        K classes of cells, R classes of regions.
    colours : mapping of str to str
        Of the classes of regions.
    marker : str
        What is expressed.
    """
    figure = figure_of(max(4.0, 1.2 + 0.6 * len(classes)), 2.6)
    axes = figure.subplots()
    width = 0.8 / max(len(groups), 1)
    for r, group in enumerate(groups):
        at = np.arange(len(classes)) + (r - (len(groups) - 1) / 2) * width
        axes.bar(at, np.nan_to_num(percent[r]), width=width, color=colours[group], label=group)
    axes.set_xticks(range(len(classes)), list(classes), rotation=30 if len(classes) > 3 else 0)
    axes.set_ylabel(f"{marker}: positive, %")
    axes.set_ylim(0, 100)
    if len(groups) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=7)
    return figure
