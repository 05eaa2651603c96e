"""Pictures of how images of spheroids were cropped, and of those that were rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coverslip.figures.colours import CATEGORIES
from coverslip.figures.style import bare, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Stage:
    """One image, made small.

    Parameters
    ----------
    name, note : str
        What stands over it.
    picture : ndarray, shape (h, w)
        Grey values.
    spheroid, debris : ndarray of bool, shape (h, w)
    square : tuple of float
        Top, left and side of what was cut out, in its pixels.
    """

    name: str
    note: str
    picture: np.ndarray
    spheroid: np.ndarray
    debris: np.ndarray
    square: tuple[float, float, float]


@styled
def stages(shown: Sequence[Stage], across: int = 6) -> Figure:
    """Images with the outline of the spheroid, its debris and the square that was cut out."""
    down = -(-len(shown) // across)
    figure = figure_of(1.6 * across, 1.75 * down + 0.3)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, stage in zip(panels, shown, strict=False):
        low, high = np.percentile(stage.picture, [0.5, 99.5])
        axes.imshow(stage.picture, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
        for mask, colour in ((stage.spheroid, CATEGORIES[1]), (stage.debris, CATEGORIES[2])):
            if mask.any() and not mask.all():
                axes.contour(mask, [0.5], colors=[colour], linewidths=0.8)
        top, left, side = stage.square
        corners = np.array(
            [[left, top], [left + side, top], [left + side, top + side], [left, top + side], [left, top]]
        )
        axes.plot(*(corners - 0.5).T, color="#56b8e2", linewidth=1)
        axes.set_title(f"{stage.name}\n{stage.note}".strip(), fontsize=6.5, fontweight="normal")
    for axes in panels:
        bare(axes)
    return figure
