"""Tiles of an image too large for one pass: their geometry, and objects that lie on their seams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import Region
from coverslip.nn.objects import in_one_piece

SEAM = 8
"""How far beside its core a tile claims objects, pixels: more than a centroid moves from one window to the next."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of an image and what must be looked at to know it.

    Parameters
    ----------
    core : Region
        The part; the cores of all tiles cover the image once.
    window : Region
        The core and a margin, as far as the image reaches.
    """

    core: Region
    window: Region

    def inside(self) -> tuple[slice, slice]:
        """Where the core lies in an array of the window: rows and columns."""
        y, x = self.core.y - self.window.y, self.core.x - self.window.x
        return slice(y, y + self.core.height), slice(x, x + self.core.width)


def tiles(region: Region, bounds: tuple[int, int], *, side: int, margin: int, multiple: int = 1) -> list[Tile]:
    """Cover a region with tiles, row by row.

    Parameters
    ----------
    region : Region
        What the cores cover together.
    bounds : tuple of int
        Height and width of the image: no window reaches over them.
    side : int
        Height and width of a core, pixels; those at the end are smaller.
    margin : int
        Pixels of the window around the core, at least.
    multiple : int
        Windows begin at multiples of this and, except at the border of the image, end at such: pooling then falls on
        the same pixels in every tile.

    Returns
    -------
    list of Tile
    """
    rows, columns = (
        _spans(start, stop, length, side, margin, multiple)
        for start, stop, length in (
            (region.y, region.stop_y, bounds[0]),
            (region.x, region.stop_x, bounds[1]),
        )
    )
    return [
        Tile(Region(y, x, y1 - y, x1 - x), Region(wy, wx, wy1 - wy, wx1 - wx))
        for y, y1, wy, wy1 in rows
        for x, x1, wx, wx1 in columns
    ]


def _spans(
    start: int, stop: int, length: int, side: int, margin: int, multiple: int
) -> list[tuple[int, int, int, int]]:
    spans = []
    for first in range(start, stop, side):
        last = min(first + side, stop)
        low = max(0, first - margin) // multiple * multiple
        high = min(length, -(-(last + margin) // multiple) * multiple)
        spans.append((first, last, low, high))
    return spans


def own_objects(labels: np.ndarray, tile: Tile) -> np.ndarray:
    """The objects that a tile may claim: those whose centroid lies in its core, or up to 8 pixels beside it.

    An object on a seam is claimed by both tiles, because its centroid may differ a little between them; `paste` takes
    it from the first. None is lost as long as the margin is wider than the objects: those that the window cuts are
    then of other tiles.

    Parameters
    ----------
    labels : ndarray of int, shape of ``tile.window``
        Objects found in the window, numbered from 1 without gaps.
    tile : Tile
        Whose.

    Returns
    -------
    ndarray of int, same shape
        The objects of this tile, numbered from 1 without gaps.
    """
    flat = labels.ravel()
    area = np.bincount(flat)
    own = np.ones(len(area), bool)
    own[0] = False
    for axis, inside in enumerate(tile.inside()):
        shape = [1, 1]
        shape[axis] = labels.shape[axis]
        grid = np.broadcast_to(np.arange(labels.shape[axis]).reshape(shape), labels.shape)
        centroid = np.bincount(flat, grid.ravel(), minlength=len(area)) / np.maximum(area, 1)
        own &= (centroid >= inside.start - SEAM) & (centroid < inside.stop + SEAM)
    return (np.cumsum(own) * own).astype(labels.dtype)[labels]


def paste(canvas: np.ndarray, labels: np.ndarray, first: int) -> int:
    """Write the objects of one tile where the canvas is free; tiles come in the order of `tiles`.

    An object most of whose pixels are taken was found by an earlier tile, and is left out; of one that others cut
    apart the largest piece is written. Pasting a tile again,
    after a kill on the way, changes nothing but completes it: what it left behind has numbers from `first` on.

    Parameters
    ----------
    canvas : ndarray of int
        The window of the tile in the whole label image; changed in place.
    labels : ndarray of int, same shape
        Objects numbered from 1 without gaps.
    first : int
        Number that the first object gets; the others follow without gaps.

    Returns
    -------
    int
        How many objects were written.
    """
    canvas[canvas >= first] = 0
    area = np.bincount(labels.ravel(), minlength=1)
    taken = np.bincount(labels[canvas > 0], minlength=len(area))
    new = 2 * taken < area
    new[0] = False
    number = (np.cumsum(new) + (first - 1)) * new
    free = np.where(new[labels] & (canvas == 0), labels, 0)
    if taken.any():
        free = in_one_piece(free)
    inside = free > 0
    canvas[inside] = number[free[inside]]
    return int(new.sum())
