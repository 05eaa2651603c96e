"""Slides: an image at several resolutions, how large its pixels are, and how far it was magnified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Region
from coverslip.io.images.opening import open_image
from coverslip.io.images.slide_tiles import in_colour_tiles, read_colour
from coverslip.io.images.tiff import TiffReader

_ALIKE = 1.25
"""How much coarser than asked for a level may be to be taken."""


@dataclass(frozen=True)
class Slide:
    """A slide; no pixels are read until a region of a level is.

    The label and the macro picture, which can name a patient, are not part of it; `coverslip.io.inventory` lists them.

    Parameters
    ----------
    levels : tuple of Image
        The resolutions, the full one first; axes ``CYX``.
    magnification : float or None
        Of the objective, where the file says it.
    metadata : mapping
        What the scanner notes.
    """

    levels: tuple[Image, ...]
    magnification: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def height(self) -> int:
        """Rows of the full resolution."""
        return self.levels[0].height

    @property
    def width(self) -> int:
        """Columns of the full resolution."""
        return self.levels[0].width

    @property
    def pixel_size(self) -> PixelSize | None:
        """Micrometres per pixel of the full resolution."""
        return self.levels[0].pixel_size

    @property
    def source(self) -> str:
        """The file."""
        return self.levels[0].source

    @property
    def factors(self) -> tuple[float, ...]:
        """How many times smaller each level is than the full resolution."""
        return tuple(self.height / level.height for level in self.levels)

    def level_for(self, factor: float) -> int:
        """The coarsest level that is not much coarser than so many times smaller than the full resolution."""
        fine = [number for number, own in enumerate(self.factors) if own <= factor * _ALIKE]
        return max(fine, key=lambda number: self.factors[number]) if fine else 0

    def read(self, region: Region, level: int = 0) -> np.ndarray:
        """Pixels ``(H, W, C)`` of a region of a level, in pixels of that level."""
        image = self.levels[level]
        inside = min(region.y, region.x) >= 0 and region.stop_y <= image.height and region.stop_x <= image.width
        if inside and isinstance(image.reader, TiffReader) and in_colour_tiles(image.reader.stack):
            return read_colour(image.reader.stack, *region.slices, image.source)
        return np.ascontiguousarray(image.crop(region).read().transpose(1, 2, 0))


def open_slide(path: str | Path, *, series: int | str | None = None) -> Slide:
    """Open a slide: Aperio SVS, pyramidal and OME-TIFF, OME-Zarr, slide stores; others through OpenSlide.

    Parameters
    ----------
    path : str or Path
        The file. Formats that Coverslip does not read itself (``.mrxs``, ``.vms``, …) need the extra ``slides``.
    series : int or str, optional
        Which image, where a file holds several; default: the first that is no label, macro picture or thumbnail.

    Returns
    -------
    Slide

    Raises
    ------
    InputError
        As for `open_image`; also if the image has other axes than channels, rows and columns.
    MissingExtra
        If it needs OpenSlide, which is not installed.
    """
    path = Path(path)
    first = open_image(path, series=series)
    said = first.metadata.get("levels", 1)
    count = len(said) if isinstance(said, list | tuple) else int(said)
    levels = (first, *(open_image(path, series=series, level=number) for number in range(1, count)))
    facts = dict(first.metadata)
    if levels[0].axes != "CYX":
        raise InputError(
            f"{path} has the axes {levels[0].axes}, and a slide has channels, rows and columns; choose a plane first."
        )
    return Slide(levels, _magnification(facts), facts)


def _magnification(facts: Mapping[str, Any]) -> float | None:
    said = facts.get("magnification")
    if said is None:
        match = re.search(r"AppMag\s*=\s*([0-9.]+)", str(facts.get("description", "")))
        said = match[1] if match else None
    try:
        return float(said) if said is not None else None
    except ValueError:
        return None
