"""Figures of the latents: maps coloured by a column, and what each dimension carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.figures.colours import ACCENT, CONTINUOUS, MISSING, OTHER, series_colours
from coverslip.figures.columns import Column, describe_column
from coverslip.figures.style import FAINT, figure_of, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_TALL, _BESIDE = 16, 1.6
"""Entries of a legend above each other, and inches that each further column takes."""


@styled
def latent_map(
    xy: np.ndarray,
    colour: Any = None,
    title: str = "",
    *,
    name: str = "",
    axis_names: tuple[str, str] = ("", ""),
) -> Figure:
    """A map of samples, coloured by a column.

    Points are drawn in a random order, the same each time, so that no class covers the others; missing values lie
    below, in grey.

    Parameters
    ----------
    xy : ndarray, shape (N, 2)
        The map.
    colour : array-like, shape (N,), optional
        The column: categories get a legend with counts, numbers a colour bar over their 1st to 99th percentile.
    title : str
        Above the map.
    name : str
        What the column is called.
    axis_names : (str, str)
        Under and beside the map, such as ``("PCA 1 (34 %)", "PCA 2 (12 %)")``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the lengths differ, or every value is its own (ids), so that there is nothing to colour by.
    """
    figure = figure_of(6.2, 4.8)
    axes = figure.subplots()
    column = None if colour is None else describe_column(name, colour)
    if column is not None and len(column.values) != len(xy):
        raise InputError(f"The map has {len(xy)} points, but the column '{name}' has {len(column.values)} values.")
    if column is None:
        _points(axes, xy, ACCENT)
    elif column.kind == "category":
        _by_category(axes, xy, column)
    elif column.kind == "number":
        _by_number(figure, axes, xy, column)
    else:
        raise InputError(f"Nearly every value of the column '{name}' is its own, so it can't colour a map.")
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1], aspect="equal", adjustable="datalim")
    axes.tick_params(length=0, labelcolor=FAINT if axis_names[0] else "none")
    axes.grid(bool(axis_names[0]))  # coordinates without a meaning get no grid
    if title:
        axes.set_title(title)
    return figure


def _points(axes: Axes, xy: np.ndarray, colour: Any, total: int | None = None, **more: Any) -> Any:
    size = float(np.clip(9000 / max(total or len(xy), 1), 2.5, 26))
    return axes.scatter(xy[:, 0], xy[:, 1], s=size, c=colour, alpha=0.85, linewidths=0, rasterized=True, **more)


def _shuffled(count: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(count)


def _by_category(axes: Axes, xy: np.ndarray, column: Column) -> None:
    from matplotlib.lines import Line2D

    order = _shuffled(len(xy))
    order = order[np.argsort(column.values[order] >= 0, kind="stable")]
    palette = np.array([*column.colours, MISSING])
    _points(axes, xy[order], palette[column.values[order]])
    entries = [
        (colour, f"{category}  ({count})")
        for category, colour, count in zip(column.categories, column.colours, column.counts, strict=True)
        if colour != OTHER
    ]
    others = [count for colour, count in zip(column.colours, column.counts, strict=True) if colour == OTHER]
    if others:
        entries.append((OTHER, f"{number_of(len(others), 'other')}  ({sum(others)})"))
    missing = int((column.values < 0).sum())
    if missing:
        entries.append((MISSING, f"missing  ({missing})"))
    dots = [Line2D([], [], linestyle="", marker="o", markersize=6, color=colour) for colour, _ in entries]
    beside = (len(entries) - 1) // _TALL
    axes.figure.set_figwidth(axes.figure.get_figwidth() + beside * _BESIDE)  # type: ignore[union-attr]
    legend = axes.legend(
        dots,
        [text for _, text in entries],
        title=column.name or None,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        ncols=1 + beside,
        alignment="left",
        borderaxespad=0,
    )
    legend.get_title().set_fontweight("bold")


def _by_number(figure: Figure, axes: Axes, xy: np.ndarray, column: Column) -> None:
    values = column.values.astype(np.float64)
    there = np.isfinite(values)
    if (~there).any():
        _points(axes, xy[~there], MISSING, len(xy))
    order = _shuffled(int(there.sum()))
    low, high = np.percentile(values[there], [1, 99]) if there.any() else (0.0, 1.0)
    points = _points(axes, xy[there][order], values[there][order], len(xy), cmap=CONTINUOUS, vmin=low, vmax=high)
    bar = figure.colorbar(points, ax=axes, shrink=0.7, aspect=28, pad=0.02, label=column.name)
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_alpha(1)


@styled
def kl_per_dimension(
    kl: np.ndarray,
    empirical: np.ndarray | None = None,
    *,
    collapsed: Sequence[bool] | np.ndarray | None = None,
) -> Figure:
    """How much each latent says about an image, most telling first, those not in use marked.

    Parameters
    ----------
    kl : ndarray, shape (D,)
        KL(q(z|x) || N(0, 1)) of each dimension, mean over images, nats.
    empirical : ndarray, shape (D,), optional
        KL of the aggregate posterior against N(0, 1) per dimension, nats, in a panel below: how far the codes of all
        images together are from the prior. It is another quantity than the loss term.
    collapsed : sequence of bool, shape (D,), optional
        Dimensions that are not in use, see `coverslip.measure.active_units`; default: nothing is said of that.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the lengths differ.
    """
    kl = np.asarray(kl, dtype=np.float64)
    dead = np.asarray(np.zeros(len(kl)) if collapsed is None else collapsed, dtype=bool)
    for other in (dead, empirical):
        if other is not None and len(other) != len(kl):
            raise InputError(f"There are {len(kl)} dimensions, but {len(other)} values beside them.")
    order = np.argsort(-kl, kind="stable")
    places = np.arange(len(kl))
    panels = 1 if empirical is None else 2
    figure = figure_of(max(4.2, 0.3 * len(kl) + 1.4), 2.2 * panels + 0.6)
    stack = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    series = [("KL to the prior, per image (nats)", kl)]
    if empirical is not None:
        series.append(("Empirical KL, all images together (nats)", np.asarray(empirical, dtype=np.float64)))
    for axes, (title, values) in zip(stack, series, strict=True):
        ordered = values[order]
        for place in places[dead[order]]:
            axes.axvspan(place - 0.5, place + 0.5, color=MISSING, alpha=0.6, linewidth=0, zorder=0)
        axes.bar(places, ordered, width=0.72, color=np.where(dead[order], OTHER, ACCENT))
        axes.set_title(title)
        axes.grid(axis="x", visible=False)
        axes.set_xlim(-0.7, len(kl) - 0.3)
        axes.set_ylim(0, max(float(ordered.max()), 1e-6) * 1.18)
        if len(kl) <= 24:
            for place, value in zip(places, ordered, strict=True):
                axes.annotate(
                    f"{value:.2f}",
                    (place, value),
                    xytext=(0, 2),
                    textcoords="offset points",
                    ha="center",
                    color=FAINT,
                    fontsize=7,
                )
    every = max(1, len(kl) // 32)
    stack[-1].set_xticks(places[::every], [f"z{d}" for d in order[::every]], rotation=90 if len(kl) > 16 else 0)
    if collapsed is not None:
        active = int((~dead).sum())
        stack[-1].set_xlabel(f"{active} of {len(kl)} in use" + (", on grey: collapsed" if dead.any() else ""))
    return figure


@styled
def kl_by_fit(fits: Mapping[str, np.ndarray]) -> Figure:
    """How much each latent of several fits says about an image, most telling first: a line for each fit.

    Parameters
    ----------
    fits : mapping of str to ndarray, shape (D,)
        Per fit, the KL(q(z|x) || N(0, 1)) of each dimension, mean over images, nats; D may differ.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no fit.
    """
    if not fits:
        raise InputError("No fit has a KL for each dimension, so there is nothing to draw.")
    most = max(len(kl) for kl in fits.values())
    figure = figure_of(max(8.0, 0.26 * most + 2.6), 3.2)
    axes = figure.subplots()
    for (name, kl), colour in zip(fits.items(), series_colours(len(fits)), strict=True):
        ordered = np.sort(np.asarray(kl, dtype=np.float64))[::-1]
        label = f"{name}  {short(float(ordered.sum()))}"
        axes.plot(np.arange(1, len(ordered) + 1), ordered, color=colour, marker="o", markersize=3.5, label=label)
    axes.set_title("KL of each dimension (nats), and of all together")
    axes.set_xlabel("dimension, most telling first")
    axes.set_xticks(np.arange(1, most + 1, max(1, most // 16)))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return figure
