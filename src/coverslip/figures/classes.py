"""What a classifier gets right and wrong: confusions, ROC curves, whether its probabilities come true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures.colours import ACCENT, CATEGORIES
from coverslip.figures.style import FAINT, INK, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[np.ndarray, np.ndarray, float]
"""False and true positive rates, and the area below."""

_MANY = 12
"""More curves than this cannot be told apart."""


@styled
def confusion_figure(table: np.ndarray, classes: Sequence[str]) -> Figure:
    """How often each true class (row) was called each class (column): shares of the row as shades, counts as numbers.

    Parameters
    ----------
    table : ndarray of int, shape (K, K)
        Counts.
    classes : sequence of str
        K names.
    """
    k, longest = len(classes), max(map(len, classes))
    side = max(2.4, 0.52 * k)
    figure = figure_of(side + 0.09 * longest + 0.9, side + 0.07 * longest + 0.7)
    axes = figure.subplots()
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        if count:
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8 if k < 12 else 6)
    slanted = longest > 4
    axes.set_xticks(range(k), list(classes), rotation=40 if slanted else 0, ha="right" if slanted else "center")
    axes.set_yticks(range(k), list(classes))
    axes.set_xlabel("called")
    axes.set_ylabel("true class")
    axes.grid(False)
    return figure


@styled
def gallery_figure(pictures: np.ndarray, words: Sequence[str], across: int = 6) -> Figure:
    """Pictures in rows, with a few words below each.

    Parameters
    ----------
    pictures : ndarray, shape (N, h, w, 3)
        Colours, uint8.
    words : sequence of str
        N.
    across : int
        Pictures in a row.
    """
    down = -(-len(pictures) // across)
    figure = figure_of(1.1 * across + 0.2, 1.35 * down)  # as wide for few, which would be drawn huge otherwise
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for axes, picture, text in zip(grid.ravel(), pictures, words, strict=False):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(text, fontsize=7, y=-0.22)
    return figure


@styled
def roc_figure(curves: Mapping[str, Curve]) -> Figure:
    """ROC curves by name, each with the area below it; a dashed line is chance."""
    figure = figure_of(4.2, 3.4 + 0.17 * min(len(curves), _MANY))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=(0, (3.2, 1.8)), linewidth=1)
    for i, (name, (alarms, hits, area)) in enumerate(list(curves.items())[:_MANY]):
        colour = ACCENT if len(curves) == 1 else INK if i == 0 else CATEGORIES[(i - 1) % len(CATEGORIES)]
        axes.plot(alarms, hits, color=colour, label=f"{name}  {area:.3f}", linewidth=2 if i == 0 else 1.3)
    axes.set_xlabel("others called so (1 − specificity)")
    axes.set_ylabel("found (recall)")
    axes.set_aspect("equal")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), borderaxespad=0, ncols=2 if len(curves) > 4 else 1)
    return figure


@styled
def reliability_figure(bins: Sequence[Mapping[str, float]]) -> Figure:
    """How often images of each confidence are called rightly; on the dashed line confidences come true.

    Parameters
    ----------
    bins : sequence of mapping
        ``images``, ``confidence`` and ``right`` of each bin.
    """
    figure = figure_of(4.2, 3.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=(0, (3.2, 1.8)), linewidth=1)
    x, y, n = (np.array([each[name] for each in bins]) for name in ("confidence", "right", "images"))
    axes.plot(x, y, color=ACCENT, linewidth=1.2)
    axes.scatter(x, y, s=18 + 160 * n / n.max(), color=ACCENT, alpha=0.75, linewidths=0)
    axes.set_xlim(min(0.5, float(x.min()) - 0.05), 1.02)
    axes.set_ylim(min(0.5, float(y.min()) - 0.05), 1.05)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")
    return figure


@styled
def dots_figure(
    rows: Mapping[str, Mapping[str, tuple[float, float, float]]], chance: Mapping[str, float] | None = None
) -> Figure:
    """Measures of several things beside each other: a dot with its interval each, a panel per measure, four in a row.

    Parameters
    ----------
    rows : mapping of str to mapping
        By name ``measure: (value, low, high)``; what was not measured of one gets no dot.
    chance : mapping of str to float, optional
        What guessing reaches, by measure: a dashed line.
    """
    from matplotlib.ticker import MaxNLocator

    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    longest = max(map(len, rows))
    across = min(len(measures), 4)
    down = -(-len(measures) // across)
    figure = figure_of(max(8.0, 3.1 * across + 0.072 * longest), (0.8 + 0.26 * len(rows)) * down)
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes in panels[len(measures) :]:
        axes.remove()
    for axes, measure in zip(panels, measures, strict=False):
        if chance and measure in chance:
            axes.axvline(chance[measure], color=FAINT, linestyle=(0, (3.2, 1.8)), linewidth=1)
        for place, row in enumerate(rows.values()):
            if measure not in row:
                continue
            value, low, high = row[measure]
            axes.plot([low, high], [place, place], color=ACCENT, linewidth=1.4, alpha=0.6)
            axes.plot([value], [place], "o", color=ACCENT, markersize=5)
        axes.set_xlabel(measure)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.grid(axis="y", visible=False)
    return figure


@styled
def curve_figure(points: Sequence[Mapping[str, Any]]) -> Figure:
    """Measures over the number of labelled images, one panel per measure and one colour per kind of fit.

    Parameters
    ----------
    points : sequence of mapping
        With ``kind``, ``size`` (in their order), ``measure``, ``value``, ``low``, ``high``, and ``each``: single draws.
    """
    measures = list(dict.fromkeys(point["measure"] for point in points))
    kinds = list(dict.fromkeys(point["kind"] for point in points))
    sizes = list(dict.fromkeys(point["size"] for point in points))
    figure = figure_of(3.9 * len(measures), 3.2 + 0.2 * (len(kinds) > 1))
    for axes, measure in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
        for i, kind in enumerate(kinds):
            own = [point for point in points if point["kind"] == kind and point["measure"] == measure]
            x = np.array([sizes.index(point["size"]) for point in own])
            colour = CATEGORIES[i % len(CATEGORIES)] if len(kinds) > 1 else ACCENT
            axes.plot(x, [point["value"] for point in own], color=colour, label=kind or None)
            axes.fill_between(
                x,
                [point["low"] for point in own],
                [point["high"] for point in own],
                color=colour,
                alpha=0.13,
                linewidth=0,
            )
            for at, point in zip(x, own, strict=True):
                axes.plot([at] * len(point["each"]), point["each"], ".", color=colour, markersize=4, alpha=0.6)
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set_xlabel(_labelled(sizes))
        axes.set_title(measure.capitalize())
    if len(kinds) > 1:
        axes.legend(loc="lower right")
    return figure


def _labelled(sizes: Sequence[Any]) -> str:
    """What the sizes of a learning curve are."""
    texts = [str(size) for size in sizes]
    if all("/" in text for text in texts):
        return "% of images that train / are held out / are tested"
    return "labelled images" if any("/" in text or "%" in text for text in texts) else "labelled images of each class"
