"""Figures of many objects and many images: sizes, intensities, counts, precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import ACCENT, CATEGORIES, OTHER
from coverslip.figures.style import FAINT, INK, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 40

_WIDTH = 6.4
"""Inches of every figure here, so that on a page their text has one size."""


@styled
def histograms(
    columns: Mapping[str, np.ndarray],
    groups: np.ndarray | None = None,
    *,
    truth: Mapping[str, np.ndarray] | None = None,
    things: str = "objects",
) -> Figure:
    """How measures are distributed over objects, one panel per measure.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        Name with unit, such as ``"diameter, µm"``, and values; what is not finite is left out. The outermost 0.5 % on
        each side are not drawn.
    groups : ndarray of str, shape (n,), optional
        The group of each object: one line each, as a share of its objects, so that unequal groups compare.
    truth : mapping of str to ndarray, optional
        Values of true objects, for some of the columns: a dark line.
    things : str
        What is counted.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If no column has a finite value.
    """
    shown = {name: np.asarray(values, float) for name, values in columns.items() if np.isfinite(values).any()}
    if not shown:
        raise InputError("There is no object to draw a histogram of.")
    across = min(2, len(shown))
    down = -(-len(shown) // across)
    figure = figure_of(_WIDTH, (2.4 if across > 1 else 3.2) * down + 0.2)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (name, values) in zip(panels, shown.items(), strict=False):
        _histogram(axes, values, groups, (truth or {}).get(name), things)
        axes.set_xlabel(name)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        panels[0].legend(handles, labels, loc="best")
    return figure


def _histogram(
    axes: Axes, values: np.ndarray, groups: np.ndarray | None, truth: np.ndarray | None, things: str
) -> None:
    there = np.isfinite(values)
    known = values[there] if truth is None else np.concatenate([values[there], truth[np.isfinite(truth)]])
    low, high = np.percentile(known, [0.5, 99.5])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1).tolist()
    if groups is None:
        count = f"{there.sum():,} found" if truth is not None else None
        axes.hist(values[there], edges, color=ACCENT, alpha=0.75, label=count)
        if truth is not None:
            axes.hist(truth, edges, histtype="step", color=INK, linewidth=1.3, label=f"{len(truth):,} true")
        axes.set_ylabel(things)
        return
    for group, colour in _coloured(groups):
        own = values[there & (groups == group)]
        if len(own):
            share = np.full(len(own), 100 / len(own))
            label = f"{group}  ({len(own):,})"
            axes.hist(own, edges, weights=share, histtype="step", color=colour, linewidth=1.5, label=label)
    axes.set_ylabel(f"% of {things}")


@styled
def counts_per_image(counts: np.ndarray, groups: np.ndarray | None = None, *, things: str = "objects") -> Figure:
    """How many objects each image has, a dot per image and a bar at the median of each group.

    Parameters
    ----------
    counts : ndarray of int, shape (N,)
    groups : ndarray of str, shape (N,), optional
        The group of each image.
    things : str
        What is counted.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = np.full(len(counts), "all images") if groups is None else groups
    named = _coloured(groups)
    figure = figure_of(_WIDTH, 3.4)
    axes = figure.subplots()
    spread = np.random.default_rng(0).uniform(-0.28, 0.28, len(counts))
    for place, (group, colour) in enumerate(named):
        own = groups == group
        axes.scatter(place + spread[own], counts[own], s=16, color=colour, alpha=0.7, linewidths=0)
        axes.hlines(np.median(counts[own]), place - 0.36, place + 0.36, color=INK, linewidth=1.6)
    axes.set_xticks(range(len(named)), [f"{group}\n({(groups == group).sum():,})" for group, _ in named])
    axes.set_xlim(-0.6 - (len(named) < 3), len(named) - 0.4 + (len(named) < 3))
    axes.set_ylim(bottom=0)
    axes.grid(False, axis="x")
    axes.set_ylabel(f"{things} per image")
    return figure


@styled
def count_agreement(true: np.ndarray, found: np.ndarray, *, things: str = "objects") -> Figure:
    """True and found numbers of objects, a dot per image; on the line they agree.

    Parameters
    ----------
    true, found : ndarray of int, shape (N,)
    things : str
        What is counted.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure_of(_WIDTH, 4.0)
    axes = figure.subplots()
    most = max(int(true.max(initial=0)), int(found.max(initial=0)), 1) * 1.06
    axes.plot([0, most], [0, most], color=FAINT, linewidth=1, linestyle=(0, (3, 2)))
    axes.scatter(true, found, s=18, color=ACCENT, alpha=0.7, linewidths=0)
    axes.set(xlim=(0, most), ylim=(0, most), xlabel=f"true {things}", ylabel=f"found {things}")
    return figure


@styled
def precision_curve(thresholds: Sequence[float], values: Sequence[tuple[float, float, float]]) -> Figure:
    """Average precision over the IoU that a match must reach.

    Parameters
    ----------
    thresholds : sequence of float, length T
    values : sequence of (float, float, float), length T
        Value and the ends of its interval (NaN where there is none).

    Returns
    -------
    matplotlib.figure.Figure
    """
    middle, low, high = np.asarray(values, float).reshape(-1, 3).T
    figure = figure_of(_WIDTH, 3.4)
    axes = figure.subplots()
    if np.isfinite(low).all():
        axes.fill_between(thresholds, low, high, color=ACCENT, alpha=0.16, linewidth=0)
    axes.plot(thresholds, middle, color=ACCENT, marker="o", markersize=4.5)
    axes.set(ylim=(0, 1.02), xlabel="IoU that a match must reach", ylabel="AP = TP / (TP + FP + FN)")
    return figure


def _coloured(groups: np.ndarray) -> list[tuple[Any, str]]:
    """Groups in the order of their names, each with a colour."""
    names = sorted(set(groups.tolist()), key=str)
    return [(name, CATEGORIES[i] if i < len(CATEGORIES) else OTHER) for i, name in enumerate(names)]
