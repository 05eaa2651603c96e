"""Rows of pictures with words under each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from coverslip.figures.style import bare, figure_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 0.85
"""Side of a picture, inches."""


@styled
def gallery(pictures: Sequence[Sequence[np.ndarray]], words: Sequence[Sequence[str]]) -> Figure:
    """Rows of pictures with words under each.

    Parameters
    ----------
    pictures : sequence of sequence of ndarray, shape (h, w, 3), uint8
        Rows may differ in length.
    words : sequence of sequence of str
        What stands under each; one or two lines.

    Returns
    -------
    Figure
    """
    across = max(map(len, pictures))
    figure = figure_of(across * _SIDE, len(pictures) * (_SIDE + 0.4))
    grid = figure.subplots(len(pictures), across, squeeze=False)
    for axes, row, said in zip(grid, pictures, words, strict=True):
        for place in axes:
            bare(place)
        for place, picture, text in zip(axes, row, said, strict=False):
            place.imshow(picture)
            place.set_xlabel(text, fontsize=7)
    return figure
