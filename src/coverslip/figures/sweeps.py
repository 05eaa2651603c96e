"""What a sweep found: a table over the settings, and a line or a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import ACCENT
from coverslip.figures.style import figure_of, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
"""One mapping per fit: the swept settings and what was measured."""


def sweep_table(rows: Rows, over: Sequence[str], measures: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Gather the fits of each combination of settings.

    Parameters
    ----------
    rows : sequence of mapping
        One per fit. ``<measure>_low`` and ``<measure>_high`` are its interval, where there are such columns.
    over : sequence of str
        The swept settings.
    measures : sequence of str, optional
        What was measured; default: every other column of numbers except ``seed`` and the interval bounds.

    Returns
    -------
    list of dict
        One per combination, sorted: the settings, ``fits`` (how many), and each measure as ``(mean, low, high)``: for
        one fit its interval, for several the smallest and largest.

    Raises
    ------
    InputError
        If there is no row, or a setting or measure is missing in one.
    """
    if not rows:
        raise InputError("The sweep has no row; fit at least one setting.")
    measures = measures if measures is not None else _measures(rows, over)
    for number, row in enumerate(rows, 1):
        gone = [name for name in (*over, *measures) if name not in row]
        if gone:
            raise InputError(f"Row {number} of the sweep lacks '{gone[0]}'; it has: {', '.join(row)}.")
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in over), []).append(row)
    table = []
    for setting in sorted(groups, key=_sort_key):
        fits = groups[setting]
        line: dict[str, Any] = {**dict(zip(over, setting, strict=True)), "fits": len(fits)}
        for measure in measures:
            values = np.array([float(fit[measure]) for fit in fits])
            low, high = float(values.min()), float(values.max())
            if len(fits) == 1:
                low, high = (float(fits[0].get(f"{measure}_{end}", low)) for end in ("low", "high"))
            line[measure] = (float(values.mean()), low, high)
        table.append(line)
    return table


@styled
def sweep_figure(
    rows: Rows,
    over: Sequence[str],
    measures: Sequence[str] | None = None,
    *,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """One panel per measure: over one setting a line with its interval (of words dots), over two a heat map.

    Parameters
    ----------
    rows, over, measures
        As for `sweep_table`; one or two settings.
    titles : mapping of str to str, optional
        Panel titles, for those that should differ from the measure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        As `sweep_table`, and if there are no measures, or more than two settings.
    """
    if not 1 <= len(over) <= 2:
        raise InputError(f"A sweep is drawn over one or two settings, not {len(over)}; choose from {', '.join(over)}.")
    table = sweep_table(rows, over, measures)
    measures = [name for name in table[0] if name not in (*over, "fits")]
    if not measures:
        raise InputError("The sweep has nothing measured to draw; name a measure.")
    columns = min(3, len(measures))
    lines = -(-len(measures) // columns)
    figure = figure_of(3.4 * columns + 0.3, 2.9 * lines + 0.2)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, measure in zip(panels, measures, strict=False):
        if len(over) == 1:
            _line(axes, table, over[0], measure)
        else:
            _heat(axes, table, over[0], over[1], measure)
        axes.set_title((titles or {}).get(measure, measure.replace("_", " ")))
    for axes in panels[len(measures) :]:
        axes.set_visible(False)
    return figure


def _line(axes: Axes, table: Rows, setting: str, measure: str) -> None:
    means, lows, highs = np.array([row[measure] for row in table]).T
    values = [row[setting] for row in table]
    numeric = all(_is_number(value) for value in values)
    x = np.asarray(values, dtype=float) if numeric else np.arange(len(values), dtype=float)
    if not numeric:  # nothing lies between two words
        axes.vlines(x, lows, highs, color=ACCENT, alpha=0.4, linewidth=2)
        axes.margins(x=0.15)
    elif (highs > lows).any():
        axes.fill_between(x, lows, highs, color=ACCENT, alpha=0.15, linewidth=0)
    axes.plot(x, means, color=ACCENT, marker="o", markersize=4.5, linestyle="-" if numeric else "")
    if numeric and x.min() > 0 and x.max() >= 10 * x.min():
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(x, [_name(value) for value in values])
    axes.set_xlabel(setting)


def _heat(axes: Axes, table: Rows, down: str, across: str, measure: str) -> None:
    from matplotlib import colormaps

    rows = sorted({row[down] for row in table}, key=lambda value: _sort_key([value]))
    columns = sorted({row[across] for row in table}, key=lambda value: _sort_key([value]))
    grid = np.full((len(rows), len(columns)), np.nan)
    for row in table:
        grid[rows.index(row[down]), columns.index(row[across])] = row[measure][0]
    axes.imshow(grid, cmap=colormaps["viridis"], aspect="auto")
    axes.set_xticks(range(len(columns)), [_name(v) for v in columns])
    axes.set_yticks(range(len(rows)), [_name(v) for v in rows])
    axes.set(xlabel=across, ylabel=down)
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for (i, j), value in np.ndenumerate(grid):
        if np.isfinite(value):
            bright = (value - np.nanmin(grid)) > 0.6 * np.ptp(grid[np.isfinite(grid)])
            axes.text(j, i, short(value), ha="center", va="center", fontsize=8, color="#1d2733" if bright else "white")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _name(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else str(value)


def _measures(rows: Rows, over: Sequence[str]) -> list[str]:
    numbers = [name for name, value in rows[0].items() if _is_number(value)]
    bounds = {f"{name}_{end}" for name in numbers for end in ("low", "high")}
    return [name for name in numbers if name not in {*over, *bounds, "seed", "fits"}]


def _sort_key(setting: Sequence[Any]) -> list[tuple[bool, float, str]]:
    return [(not _is_number(value), float(value) if _is_number(value) else 0.0, str(value)) for value in setting]
