"""What studies found: errors over training-set sizes, over left-out groups, over focal planes.

All take points: mappings with what was fitted (the keys differ from study to study), ``group``, ``measure``, ``value``
(of all fields taken together, mean over restarts), ``low`` and ``high`` (its interval over fields), and ``each``, one
value per restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import ACCENT, CATEGORIES, series_colours
from coverslip.figures.columns import natural_key
from coverslip.figures.style import FAINT, INK, ending, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[Mapping[str, Any]]

TITLES = {
    "pixel_error": "Pixel error: 1 \u2212 F1",
    "object_error": "Object error: 1 \u2212 F1, IoU ≥ 0.5",
    "ap50": "AP at IoU 0.5",
    "ap": "Mean AP, IoU 0.5 to 0.95",
}
"""The measures that are drawn, and what they are called."""

CLASSICAL, ALL = "classical", "all"

_MANY = 8
"""More groups than this, and the panels stand side by side."""

_DASHED = (0, (3.2, 1.8))
_KINDS = {"all": ("fitted to all groups", INK), "without": ("fitted to the others", ACCENT)}
_KINDS |= {"only": ("fitted to it alone", CATEGORIES[1])}
_CHOICES = {"every": ("every combination", CATEGORIES[0]), "spread": ("evenly spread", CATEGORIES[1])}
_CHOICES |= {"sharpest": ("sharpest", CATEGORIES[3])}


@styled
def learning_curve_figure(points: Points) -> Figure:
    """Error and AP over the number of training fields, one panel per measure.

    Dots are single restarts, the line their mean, the band its interval over fields. Of several groups, each has a
    colour: dashed where it was trained on alone, full where fields of all groups were; all of them together are black.

    Parameters
    ----------
    points : sequence of mapping
        With ``size`` and ``trained_on``: ``"all"``, ``"own"``, ``"pooled"`` or ``"classical"`` (which has no size).

    Returns
    -------
    matplotlib.figure.Figure
    """
    curves = [point for point in points if point["trained_on"] != CLASSICAL]
    groups = _groups(curves)
    sizes = sorted({point["size"] for point in curves})
    colours = dict(zip(groups, series_colours(len(groups)), strict=True))
    figure, panels = _panels(0.24 * (1 + (len(groups) + 2) // 4) if groups else 0)
    for axes, (measure, title) in zip(panels, TITLES.items(), strict=True):
        shown = _of(curves, measure=measure)
        for group in [*groups, ALL]:
            for kind in ("all", "own", "pooled"):
                series = sorted(_of(shown, group=group, trained_on=kind), key=lambda point: point["size"])
                colour = colours.get(group, INK if groups else ACCENT)
                whole = group == ALL
                _curve(axes, "size", series, colour, dashed=kind == "own", light=not whole, band=whole)
        _classical(axes, _of(points, measure=measure, trained_on=CLASSICAL, group=ALL))
        axes.set_title(title)
        if len(sizes) > 1:
            axes.set_xscale("log")
            axes.minorticks_off()
        axes.set_xticks(sizes, [str(size) for size in sizes])
        _as_measure(axes, measure)
    for axes in panels[2:]:
        axes.set_xlabel("training fields of each group" if groups else "training fields")
    if groups:
        handles = [(_handle(colours[group]), group) for group in groups]
        handles += [(_handle(INK), "all groups"), (_handle(FAINT, "--"), "trained on the group alone")]
        _legend(figure, [*handles, (_handle(FAINT), "trained on all groups")])
    return figure


@styled
def left_out_figure(points: Points) -> Figure:
    """Error and AP on each group by what the fit had seen, one panel per measure.

    Large dots are means over restarts, small ones single restarts, lines the interval over the fields of the group.

    Parameters
    ----------
    points : sequence of mapping
        With ``trained_on``: ``"without"`` the group, ``"all"``, ``"only"`` the group, or ``"classical"``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [*_groups(points), *([ALL] if _of(points, group=ALL) else [])]
    kinds = [kind for kind in (*_KINDS, CLASSICAL) if _of(points, trained_on=kind)]
    height = 0.55 + (0.13 * len(kinds) + 0.1) * len(names)
    figure, panels = _panels(0.3, height=height, across=2 if len(names) <= _MANY else 4)
    for axes, (measure, title) in zip(panels, TITLES.items(), strict=True):
        for row, name in enumerate(names):
            for place, kind in enumerate(kinds):
                y = row + 0.62 * ((place + 0.5) / len(kinds) - 0.5)
                for point in _of(points, measure=measure, group=name, trained_on=kind):
                    _dots_across(axes, y, point, _KINDS.get(kind, ("", FAINT))[1], "D" if kind == CLASSICAL else "o")
        axes.set_title(title)
        axes.set_yticks(range(len(names)), ["all" if name == ALL else ending(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        if names[-1] == ALL and len(names) > 1:
            axes.axhline(len(names) - 1.5, color="#aab3bd", linewidth=0.8)
        _as_measure(axes, measure, "x")
    for i, axes in enumerate(panels):
        axes.tick_params(labelleft=i % (2 if len(names) <= _MANY else 4) == 0)
    known = {**_KINDS, CLASSICAL: ("Otsu and watershed, not fitted", FAINT)}
    _legend(figure, [(_handle(known[k][1], "", "D" if k == CLASSICAL else "o"), known[k][0]) for k in kinds])
    return figure


@styled
def methods_figure(points: Points) -> Figure:
    """Error and AP of each method on the same fields, one panel per measure.

    Parameters
    ----------
    points : sequence of mapping
        With ``method``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(dict.fromkeys(point["method"] for point in points))
    figure, panels = _panels(0.1, height=0.75 + 0.26 * len(names))
    for axes, (measure, title) in zip(panels, TITLES.items(), strict=True):
        for row, name in enumerate(names):
            for point in _of(points, measure=measure, method=name, group=ALL):
                colour = FAINT if name == CLASSICAL else CATEGORIES[row % len(CATEGORIES)]
                _dots_across(axes, row, point, colour, "D" if name == CLASSICAL else "o")
        axes.set_title(title)
        axes.set_yticks(range(len(names)), [ending(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        _as_measure(axes, measure, "x")
    for i, axes in enumerate(panels):
        axes.tick_params(labelleft=i % 2 == 0)
    return figure


@styled
def focal_planes_figure(points: Points) -> Figure:
    """Error of each focal plane alone, and of several together, by pixels above and by objects below.

    Left, thin lines are single restarts, the thick one their mean, the band its interval over fields. Right, each dot
    is one set of planes (its mean over restarts, with their range), and the line the mean of the sets.

    Parameters
    ----------
    points : sequence of mapping
        With ``planes`` (such as ``"0+3"``), ``count`` and ``choice`` (``"every"``, ``"spread"`` or ``"sharpest"``).

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, panels = _panels(0.3)
    choices = [choice for choice in _CHOICES if _of(points, choice=choice)]
    for row, measure in enumerate(("pixel_error", "object_error")):
        shown = _of(points, measure=measure)
        alone, together = panels[2 * row : 2 * row + 2]
        single = sorted(
            ({**point, "plane": int(point["planes"])} for point in _of(shown, count=1)), key=lambda p: p["plane"]
        )
        _curve(alone, "plane", single, ACCENT, band=True, threads=True)
        alone.set_xticks([point["plane"] for point in single])
        counts = sorted({point["count"] for point in shown})
        for count in counts:
            sets = sorted(_of(shown, count=count), key=lambda point: choices.index(point["choice"]))
            for x, point in zip(count + _aside(len(sets)), sets, strict=True):
                colour = _CHOICES[point["choice"]][1]
                together.plot([x, x], [min(point["each"]), max(point["each"])], color=colour, linewidth=1, alpha=0.5)
                together.scatter([x], [point["value"]], s=22, color=colour, linewidths=0, zorder=3)
        means = [float(np.mean([point["value"] for point in _of(shown, count=count)])) for count in counts]
        together.plot(counts, means, color=INK, zorder=2)
        together.set_xticks(counts)
        for axes, title in ((alone, "Each plane alone"), (together, "Several planes together")):
            axes.set_title(title if row == 0 else "")
            _as_measure(axes, measure)
        alone.set_ylabel(TITLES[measure])
    panels[2].set_xlabel("focal plane")
    panels[3].set_xlabel("number of planes")
    handles = [(_handle(_CHOICES[choice][1], "", "o"), _CHOICES[choice][0]) for choice in choices]
    _legend(figure, [*handles, (_handle(INK), "mean over sets of planes")])
    return figure


def _panels(below: float, height: float = 2.6, across: int = 2) -> tuple[Figure, list[Axes]]:
    """Four panels, with room for a legend of so many inches below."""
    figure = figure_of(7.6 if across == 2 else 10.5, 4 // across * height + below)
    figure.set_layout_engine(
        "constrained", rect=(0, below / figure.get_figheight(), 1, 1 - below / figure.get_figheight())
    )
    return figure, list(figure.subplots(4 // across, across).ravel())


def _curve(
    axes: Axes,
    over: str,
    series: Points,
    colour: Any,
    *,
    dashed: bool = False,
    light: bool = False,
    band: bool = False,
    threads: bool = False,
) -> None:
    if not series:
        return
    x = np.array([point[over] for point in series], dtype=float)
    value, low, high = (np.array([point[key] for point in series]) for key in ("value", "low", "high"))
    if band and np.isfinite(low).all():
        axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    restarts = list(zip(*(point["each"] for point in series), strict=True))
    for each in restarts if len(restarts) > 1 and not light else ():
        if threads:
            axes.plot(x, each, color=colour, linewidth=0.7, alpha=0.55)
        else:
            axes.scatter(x, each, s=9, color=colour, alpha=0.45, linewidths=0, zorder=3)
    style = {"color": colour, "linestyle": _DASHED if dashed else "-", "linewidth": 1.1 if light else 1.9}
    axes.plot(x, value, marker="o", markersize=2.8 if light else 4.5, **style)


def _classical(axes: Axes, points: Points) -> None:
    for point in points:
        axes.axhline(point["value"], color=FAINT, linestyle=_DASHED, linewidth=1.1, zorder=1)
        above = point["value"] < 0.9
        axes.annotate(
            "Otsu and watershed",
            (1, point["value"]),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3 if above else -3),
            textcoords="offset points",
            ha="right",
            va="bottom" if above else "top",
            color=FAINT,
            fontsize=7.5,
        )


def _dots_across(axes: Axes, y: float, point: Mapping[str, Any], colour: Any, marker: str) -> None:
    if np.isfinite(point["low"]):
        axes.plot([point["low"], point["high"]], [y, y], color=colour, linewidth=1.2, alpha=0.6)
    if len(point["each"]) > 1:
        axes.scatter(point["each"], [y] * len(point["each"]), s=7, color=colour, alpha=0.45, linewidths=0)
    axes.scatter([point["value"]], [y], s=26, color=colour, marker=marker, linewidths=0, zorder=3)


def _as_measure(axes: Axes, measure: str, axis: str = "y") -> None:
    """Errors start at 0; nothing is below 0 or above 1, but marks there are drawn whole."""
    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    low = 0.0 if measure.endswith("_error") else max(low, 0.0)
    spare = 0.02 * (min(high, 1.0) - low)
    axes.set(**{f"{axis}lim": (low - spare, min(high, 1.0 + spare))})


def _legend(figure: Figure, entries: Sequence[tuple[Any, str]]) -> None:
    handles, labels = zip(*entries, strict=True)
    figure.legend(handles, labels, loc="lower center", ncols=min(4, len(labels)), borderaxespad=0.2)


def _handle(colour: Any, linestyle: Any = "-", marker: str = "") -> Any:
    from matplotlib.lines import Line2D

    dashes: Any = _DASHED if linestyle == "--" else linestyle or "none"
    return Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=5)


def _of(points: Points, **facts: Any) -> list[Mapping[str, Any]]:
    return [point for point in points if all(point[key] == value for key, value in facts.items())]


def _groups(points: Points) -> list[str]:
    if not points:
        raise InputError("There is nothing to draw: the study has no fit.")
    return sorted({point["group"] for point in points} - {ALL}, key=natural_key)


def _aside(count: int) -> np.ndarray:
    """Small steps to both sides, so that sets of equally many planes do not hide each other."""
    return np.linspace(-0.15, 0.15, count) if count > 1 else np.zeros(1)
