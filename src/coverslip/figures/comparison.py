"""Outlines of several methods on the same fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures.colours import CATEGORIES
from coverslip.figures.style import INK, ending, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 220
"""Pixels of a field that are shown along each side."""
_TRUTH = "#ffffff"


@styled
def outlines_figure(
    pictures: Sequence[np.ndarray],
    names: Sequence[str],
    truth: Sequence[np.ndarray],
    found: Mapping[str, Sequence[np.ndarray]],
) -> Figure:
    """A row for each field: its truth beside each method, then all of them together.

    Parameters
    ----------
    pictures : sequence of ndarray, shape (h, w, 3), uint8
        Fields as they are shown, of any size.
    names : sequence of str
        Of the fields.
    truth : sequence of ndarray of int, shape (H, W)
        True objects.
    found : mapping of str to sequence of ndarray
        Objects of each method, field by field.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = [*found, *(["all"] if len(found) > 1 else [])]
    figure = figure_of(2.5 * len(columns), 2.6 * len(pictures) + 0.4)
    below = 0.3 / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, below, 1, 1 - below), hspace=0, h_pad=0.03, w_pad=0.03)
    panels = np.reshape(figure.subplots(len(pictures), len(columns)), (len(pictures), len(columns)))
    colours = {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(found)}
    for row, (picture, true) in enumerate(zip(pictures, truth, strict=True)):
        part = _busiest(true)
        for column, title in enumerate(columns):
            axes = panels[row, column]
            _background(axes, picture, true.shape, part)
            _outline(axes, true[part], _TRUTH, 0.9)
            for name, labels in found.items():
                if title in (name, "all"):
                    _outline(axes, labels[row][part], colours[name], 1.1)
            axes.set_title(title if row == 0 else "", color=colours.get(title, INK))
        panels[row, 0].set_ylabel(ending(names[row], 30), fontsize=7)
    from matplotlib.lines import Line2D

    lines = {"truth": "#c9d1d9", **colours}
    handles = [Line2D([], [], color=colour, linewidth=2) for colour in lines.values()]
    figure.legend(handles, list(lines), loc="lower center", ncols=min(6, len(lines)))
    return figure


def _background(axes: Any, picture: np.ndarray, size: tuple[int, ...], part: tuple[slice, slice]) -> None:
    """The part of the picture, in the pixels of the part."""
    scale = picture.shape[0] / size[0]
    rows, columns = (slice(int(p.start * scale), max(int(np.ceil(p.stop * scale)), 1)) for p in part)
    height, width = part[0].stop - part[0].start, part[1].stop - part[1].start
    axes.imshow(picture[rows, columns], extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def _outline(axes: Any, labels: np.ndarray, colour: str, width: float) -> None:
    """Lines between the pixels of different objects."""
    down, right = np.nonzero(np.diff(labels, axis=0)), np.nonzero(np.diff(labels, axis=1))
    segments = [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in zip(*down, strict=True)]
    segments += [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in zip(*right, strict=True)]
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(segments, colors=colour, linewidths=width))


def _busiest(labels: np.ndarray) -> tuple[slice, slice]:
    """The part with most pixels of objects."""
    from scipy.ndimage import uniform_filter

    height, width = (min(_SIDE, n) for n in labels.shape)
    share = uniform_filter((labels > 0).astype(np.float32), (height, width), mode="constant")
    y0, x0 = height // 2, width // 2
    inside = share[y0 : labels.shape[0] - height + y0 + 1, x0 : labels.shape[1] - width + x0 + 1]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return slice(int(y), int(y) + height), slice(int(x), int(x) + width)
