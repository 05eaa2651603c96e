"""Colours of patches laid over the slides that they were cut from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import CONTINUOUS, MISSING
from coverslip.figures.columns import describe_column
from coverslip.figures.style import bare, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 8.4
_LEGEND = 14


@dataclass(frozen=True)
class Overview:
    """A slide at low resolution, and where its patches lie.

    Parameters
    ----------
    name : str
    pixels : ndarray of uint8, shape (H, W, 3)
    boxes : ndarray, shape (n, 4)
        Top, left, height and width of each patch, in pixels of `pixels`.
    rows : ndarray of int, shape (n,)
        Which value is that of each.
    """

    name: str
    pixels: np.ndarray
    boxes: np.ndarray
    rows: np.ndarray


@styled
def tissue_map(slides: Sequence[Overview], values: Any, name: str) -> Figure:
    """Each slide, and beside it the same with every patch in the colour of its value.

    Parameters
    ----------
    slides : sequence of Overview
    values : array-like, shape (N,)
        A column: categories or numbers.
    name : str
        What it is called.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If every value is its own, so that there is nothing to colour by.
    """
    from matplotlib.patches import Patch

    column = describe_column(name, values)
    if column.kind == "text":
        raise InputError(f"Nearly every value of '{name}' is its own, so the tissue cannot be coloured by it.")
    colours, legend = _by_category(column) if column.kind == "category" else _by_number(column)
    across = 1 + (len(slides) > 2)
    heights = [0.5 * _WIDTH / across * slide.pixels.shape[0] / slide.pixels.shape[1] for slide in slides]
    rows = [min(max(heights[first : first + across]), 5.0) for first in range(0, len(slides), across)]
    figure = figure_of(_WIDTH, sum(rows) + 0.3 * len(rows) + 0.4)
    grid = figure.subplots(len(rows), 2 * across, squeeze=False, height_ratios=rows).reshape(-1, 2)
    for unused in grid[len(slides) :].ravel():
        bare(unused)
    for (plain, coloured), slide in zip(grid, slides, strict=False):
        bare(plain).imshow(slide.pixels)
        plain.set_title(slide.name, loc="left", fontsize=8 - across)
        bare(coloured).imshow(_painted(slide, colours))
    if legend:
        handles = [Patch(color=colour, label=label) for label, colour in legend[:_LEGEND]]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 7), title=name)
    return figure


def _painted(slide: Overview, colours: np.ndarray) -> np.ndarray:
    """The slide in grey, its patches in their colours; what is dark in the tissue stays dark."""
    grey = slide.pixels.mean(2, keepdims=True).repeat(3, 2)
    out = grey / 2 + 127.5
    for (top, left, height, width), row in zip(slide.boxes, slide.rows, strict=True):
        rows, columns = (
            slice(round(start), max(round(start + side), round(start) + 1))
            for start, side in ((top, height), (left, width))
        )
        out[rows, columns] = colours[row] * (0.35 + 0.65 * grey[rows, columns] / 255)
    painted: np.ndarray = out.clip(0, 255).astype(np.uint8)
    return painted


def _by_category(column: Any) -> tuple[np.ndarray, list[tuple[str, str]]]:
    from coverslip.figures.colours import to_rgb

    found = 255 * to_rgb([*column.colours, MISSING]).reshape(-1, 3)
    return found[column.values], list(zip(column.categories, column.colours, strict=True))


def _by_number(column: Any) -> tuple[np.ndarray, list[tuple[str, str]]]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    low, high = np.nanpercentile(column.values.astype(float), (1, 99))
    share = np.clip((column.values - low) / max(high - low, 1e-12), 0, 1)
    found = 255 * colormaps[CONTINUOUS](np.nan_to_num(share))[:, :3]
    ends = [(f"{low + part * (high - low):.3g}", to_hex(colormaps[CONTINUOUS](part))) for part in (0.0, 0.5, 1.0)]
    return found, ends
