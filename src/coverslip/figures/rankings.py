"""Figures of a ranking: plates, treatments in order, dose–response curves, agreement of strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures.colours import ACCENT, CATEGORIES, CONTINUOUS, MISSING
from coverslip.figures.style import FAINT, INK, bare, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 6.4


@styled
def plate_maps(
    plates: Sequence[str], wells: Sequence[str], values: np.ndarray, name: str, marks: Sequence[str]
) -> Figure:
    """Wells of each plate, coloured by a value.

    Parameters
    ----------
    plates, wells : sequence of str, length N
        Wells as ``"B03"``.
    values : ndarray, shape (N,)
        The mean over a well's samples is shown; wells without a value stay grey.
    name : str
        What the value is.
    marks : sequence of str, length N
        A letter for some wells, such as controls; empty for the others.
    """
    names = list(dict.fromkeys(plates))
    large = any(well[0] > "H" or int(well[1:]) > 12 for well in wells)
    height, width = (16, 24) if large else (8, 12)
    across = min(2, len(names))
    down = -(-len(names) // across)
    figure = figure_of(_WIDTH, 2.5 * down if across > 1 else 3.6)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    low, high = np.nanpercentile(values, [2, 98]) if np.isfinite(values).any() else (0.0, 1.0)
    shown = None
    for axes, plate in zip(panels, names, strict=False):
        total, count = np.zeros((height, width)), np.zeros((height, width))
        letters: dict[tuple[int, int], str] = {}
        for own, well, value, mark in zip(plates, wells, values, marks, strict=True):
            if own != plate:
                continue
            place = ord(well[0]) - ord("A"), int(well[1:]) - 1
            if np.isfinite(value):
                total[place] += value
                count[place] += 1
            letters[place] = mark
        grid = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        axes.set_facecolor(MISSING)
        shown = axes.imshow(grid, cmap=CONTINUOUS, vmin=low, vmax=max(high, low + 1e-9), aspect="equal")
        for (row, column), mark in letters.items():
            dark = np.isfinite(grid[row, column]) and grid[row, column] < (low + high) / 2
            axes.text(column, row, mark, ha="center", va="center", fontsize=6.5, color="white" if dark else INK)
        axes.set_xticks(range(width), [str(i + 1) for i in range(width)], fontsize=6)
        axes.set_yticks(range(height), [chr(ord("A") + i) for i in range(height)], fontsize=6)
        axes.grid(False)
        axes.set_title(plate or "plate")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    if shown is not None:
        figure.colorbar(shown, ax=panels.tolist(), label=name, shrink=0.8, pad=0.02)
    return figure


@styled
def treatment_order(table: Mapping[str, Any], wells: Mapping[str, np.ndarray]) -> Figure:
    """Treatments from the least to the most affected: wells as dots, mean with its interval, range of the rank.

    Parameters
    ----------
    table : mapping
        Of `coverslip.core.Ranking.treatments`.
    wells : mapping of str to ndarray
        Scores of each treatment's wells.
    """
    names = [str(name) for name in table["treatment"]]
    figure = figure_of(_WIDTH, 0.9 + 0.3 * len(names))
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for i, name in enumerate(names):
        colour = {"low control": CATEGORIES[2], "high control": CATEGORIES[1]}.get(str(table["role"][i]), ACCENT)
        dots = wells.get(name, np.empty(0))
        axes.scatter(dots, i + rng.uniform(-0.18, 0.18, len(dots)), s=7, color=colour, alpha=0.35, linewidths=0)
        axes.plot([table["low"][i], table["high"][i]], [i, i], color=INK, linewidth=2.2)
        axes.plot(table["score"][i], i, "o", color=INK, markersize=5)
        text = f"rank {table['rank'][i]} ({table['rank_low'][i]}–{table['rank_high'][i]})"
        axes.annotate(text, (1.01, i), xycoords=("axes fraction", "data"), va="center", fontsize=7.5, color=FAINT)
    axes.axvline(0, color=FAINT, linewidth=0.8, linestyle=":")
    axes.axvline(1, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("score: 0 at the low controls, 1 at the high ones")
    return figure


@styled
def dose_curves(
    doses: Mapping[str, tuple[np.ndarray, np.ndarray]], curves: Mapping[str, Callable[[Any], np.ndarray]]
) -> Figure:
    """Scores over doses, with the fitted curve of each drug.

    Parameters
    ----------
    doses : mapping of str to (ndarray, ndarray)
        Doses and scores of each drug's wells; dose 0 is drawn at the left.
    curves : mapping of str to callable
        The curve of those that have one.
    """
    figure = figure_of(_WIDTH, 3.4)
    axes = figure.subplots()
    lowest = min(float(x[x > 0].min()) for x, _ in doses.values())
    zero = lowest / 4
    for (name, (x, y)), colour in zip(doses.items(), CATEGORIES * 9, strict=False):
        levels = np.unique(x)
        shown = np.where(x > 0, x, zero)
        axes.scatter(shown, y, s=8, color=colour, alpha=0.35, linewidths=0)
        means = [y[x == level].mean() for level in levels]
        axes.plot(np.where(levels > 0, levels, zero), means, "o", color=colour, markersize=4.5, label=name)
        if name in curves:
            fine = np.geomspace(zero, x.max() * 1.5, 200)
            axes.plot(fine, curves[name](fine), color=colour)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.set_xlabel("dose; the leftmost points are untreated wells")
    axes.set_ylabel("score")
    axes.legend(loc="best")
    return figure


@styled
def agreement_map(tau: np.ndarray, names: Sequence[str]) -> Figure:
    """Kendall's tau between each two scales, ``(S, S)``, as a coloured table."""
    size = len(names)
    figure = figure_of(min(_WIDTH, 2.8 + 0.42 * size), 1.9 + 0.36 * size)
    axes = bare(figure.subplots())
    axes.imshow(tau, cmap="RdBu_r", vmin=-1, vmax=1)
    for i in range(size):
        for j in range(size):
            text = f"{tau[i, j]:.2f}" if np.isfinite(tau[i, j]) else "–"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if abs(tau[i, j]) > 0.7 else INK)
    axes.set_yticks(range(size), names)
    axes.set_xticks(range(size), names, rotation=45, ha="right")
    return figure
