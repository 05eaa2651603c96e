"""Which depth is best for which size: losses by depth, and the rules beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log2, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import ACCENT, CATEGORIES
from coverslip.figures.style import FAINT, INK, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[Mapping[str, Any]]
Size = tuple[int, int]

_ACROSS = 3
_STEEP = 3
"""Losses that differ by more than this factor are drawn on a logarithmic scale."""


@styled
def depth_figure(points: Points, rules: Mapping[Size, int], refitted: Callable[[Size], int] | None = None) -> Figure:
    """Loss by depth, a panel for each size; of several sizes one more, of the best depth by size beside the rules.

    Parameters
    ----------
    points : sequence of mapping
        With ``height``, ``width``, ``depth``, ``value`` (mean loss), ``each`` (the restarts), ``lost`` (which of them
        collapsed) and ``best``.
    rules : mapping of (int, int) to int
        The depth that the method's rule takes for each size.
    refitted : callable, optional
        The depth of another rule for a size.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if not points:
        raise InputError("There is nothing to draw: the study has no fit.")
    panels = len(rules) + (len(rules) > 1)
    lines = -(-panels // _ACROSS)
    figure = figure_of(3.1 * min(panels, _ACROSS) + 0.4, 2.8 * lines + 0.2)
    grid = figure.subplots(lines, min(panels, _ACROSS), squeeze=False).ravel()
    for axes, (size, rule) in zip(grid, rules.items(), strict=False):
        own = sorted((p for p in points if (p["height"], p["width"]) == size), key=lambda p: p["depth"])
        _losses(axes, own, rule)
        axes.set_title(f"{size[0]} x {size[1]} pixels")
    if len(rules) > 1:
        _depths(grid[len(rules)], points, rules, refitted)
    for axes in grid[panels:]:
        axes.set_visible(False)
    return figure


def _losses(axes: Axes, own: Points, rule: int) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    depths = [point["depth"] for point in own]
    values = np.array([value for point in own for value in point["each"]])
    if rule in depths:
        axes.axvspan(rule - 0.3, rule + 0.3, color=CATEGORIES[1], alpha=0.22, linewidth=0)
        axes.annotate(
            "rule",
            (rule, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            color=FAINT,
            fontsize=7.5,
        )
    if values.min() > 0 and values.max() > _STEEP * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.plot(depths, [point["value"] for point in own], color=ACCENT, zorder=2)
    for point in own:
        for value, lost in zip(point["each"], point["lost"], strict=True):
            face = "white" if lost else ACCENT
            axes.scatter([point["depth"]], [value], s=20, facecolor=face, edgecolor=ACCENT, linewidths=1.1, zorder=3)
    best = next(point for point in own if point["best"])
    axes.scatter([best["depth"]], [best["value"]], s=120, facecolor="none", edgecolor=INK, linewidths=1.4, zorder=4)
    axes.margins(y=0.16)
    axes.set_xlim(min(depths) - 0.5, max(depths) + 0.5)
    axes.set_xticks(depths)
    axes.set(xlabel="depth", ylabel="validation loss")


def _depths(axes: Axes, points: Points, rules: Mapping[Size, int], refitted: Callable[[Size], int] | None) -> None:
    sizes = sorted(rules, key=prod)
    x = [log2(prod(size)) for size in sizes]
    best = {(p["height"], p["width"]): p["depth"] for p in points if p["best"]}
    axes.plot(x, [rules[size] for size in sizes], color=CATEGORIES[1], marker="s", markersize=5, label="rule")
    if refitted is not None:
        drawn: dict[str, Any] = {"color": FAINT, "linestyle": (0, (3.2, 1.8)), "marker": "x", "markersize": 6}
        axes.plot(x, [refitted(size) for size in sizes], label="refitted", **drawn)
    axes.plot(x, [best[size] for size in sizes], color=ACCENT, linestyle="", marker="o", markersize=6, label="best")
    axes.set_xticks(x, [f"{size[0]}x{size[1]}" for size in sizes])
    most = max(*rules.values(), *best.values(), *([refitted(size) for size in sizes] if refitted else []))
    axes.set_yticks(range(1, most + 1))
    axes.set_ylim(0.5, most + 0.9)
    axes.margins(x=0.12)
    axes.set_title("Best depth by size")
    axes.set(xlabel="size, pixels", ylabel="depth")
    axes.legend(loc="lower right")
