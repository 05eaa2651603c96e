"""A large picture with its outlines in tiles, so that a page shows it as finely as one likes to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from coverslip.core import Image, InputError, Region
from coverslip.figures.overlays import SIDE, Look, draw_overlay
from coverslip.io.images.opening import open_image


@dataclass(frozen=True)
class Tiles:
    """Tiles of a picture, row by row.

    Parameters
    ----------
    height, width : int
        Of the whole picture, in pixels of the tiles.
    side : int
        Of a tile, pixels; those at the right and lower border are smaller.
    pictures, outlines : list of str
        Data URIs, as those of `Overlay`.
    full : bool
        Whether they have the resolution of the image.
    """

    height: int
    width: int
    side: int
    pictures: list[str]
    outlines: list[str]
    full: bool

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.height * self.width


def draw_tiles(
    image: Image | None,
    labels: np.ndarray,
    kinds: Mapping[int, np.ndarray],
    missed: np.ndarray | None = None,
    *,
    look: Look | None = None,
    pixels: float = np.inf,
) -> Tiles | None:
    """Draw an image with the outlines of its objects in tiles.

    Parameters
    ----------
    image, labels, kinds, missed, look
        As for `coverslip.figures.overlays.draw_overlay`.
    pixels : float
        How many there may be: of an image that has more, the finest of its stored resolutions that has not is drawn.

    Returns
    -------
    Tiles or None
        None where there is no resolution between that of the picture as a whole and what is allowed.
    """
    shown, full = image, labels.size <= pixels
    if not full:
        shown = None if image is None else _finest(image, pixels)
        if shown is None:
            return None
        labels, missed = _sampled(labels, shown), None if missed is None else _sampled(missed, shown)
    height, width = labels.shape
    if max(height, width) <= SIDE:
        return None
    drawn = []
    for y in range(0, height, SIDE):
        for x in range(0, width, SIDE):
            region = Region(y, x, min(SIDE, height - y), min(SIDE, width - x))
            part = None if shown is None else shown.crop(region)
            lost = None if missed is None else missed[region.slices]
            drawn.append(draw_overlay(part, labels[region.slices], kinds, lost, look=look))
    return Tiles(height, width, SIDE, [one.picture for one in drawn], [one.outlines for one in drawn], full)


def _finest(image: Image, pixels: float) -> Image | None:
    """The finest resolution of an image's file that has no more pixels; None where it has none."""
    stored = image.metadata.get("levels", 1)
    if image.window is not None:  # of a part there are no levels
        return None
    for level in range(1, stored if isinstance(stored, int) else len(stored)):
        try:
            found = open_image(image.source, series=image.metadata.get("index"), level=level)
        except InputError:  # axes that the file does not say were given for the image
            return None
        if found.axes == image.axes and found.height * found.width <= pixels:
            return found
    return None


def _sampled(labels: np.ndarray, image: Image) -> np.ndarray:
    """Labels at the resolution of an image: of each of its pixels the label in the middle."""
    rows, columns = (
        ((np.arange(shown) + 0.5) * length / shown).astype(np.intp)
        for shown, length in zip((image.height, image.width), labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]
