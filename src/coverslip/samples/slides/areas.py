"""Which part of a slide is meant: a rectangle in micrometres, or areas that were drawn in QuPath."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import InputError, PixelSize, Region
from coverslip.core.marks import Rings

_FORM = "give x,y,width,height in µm, or a .geojson with outlines"
_DRAW = "draw areas in QuPath and export them as GeoJSON"


def within(regions: list[Region], area: str | Path, pixel_size: PixelSize | None) -> list[Region]:
    """The regions whose middle lies in an area; where it lies between the middles of all, the one nearest to its own.

    Parameters
    ----------
    regions : list of Region
        In pixels of the full resolution.
    area : str or Path
        ``"x,y,width,height"`` in µm (in pixels, where their size is not known), or the path of a GeoJSON with outlines
        in pixels, as QuPath exports them.
    pixel_size : PixelSize or None
        Of the full resolution.

    Raises
    ------
    InputError
        If the area cannot be read, or is nowhere near a region.
    """
    if not regions:
        return []
    drawn = str(area).lower().endswith((".geojson", ".json"))
    rings = outlines_of(Path(area)) if drawn else _box(str(area), pixel_size)
    middles = np.array([(r.x + r.width / 2, r.y + r.height / 2) for r in regions])
    inside = np.zeros(len(regions), bool)
    for outline in rings:
        inside |= _inside(outline, middles)
    if inside.any():
        return [regions[i] for i in np.flatnonzero(inside)]
    corners = np.concatenate([ring for outline in rings for ring in outline])
    middle = (corners.min(0) + corners.max(0)) / 2
    nearest = regions[int(np.square(middles - middle).sum(1).argmin())]
    if (
        abs(middle[0] - nearest.x - nearest.width / 2) > nearest.width
        or abs(middle[1] - nearest.y - nearest.height / 2) > nearest.height
    ):
        raise InputError(f"There is no tissue in the region {area}; choose another one.")
    return [nearest]


def _box(text: str, pixel_size: PixelSize | None) -> list[Rings]:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"The region '{text}' cannot be read; {_FORM}.") from None
    if width <= 0 or height <= 0:
        raise InputError(f"The region '{text}' is empty; {_FORM}.")
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    return [(corners / ((1, 1) if pixel_size is None else (pixel_size.x, pixel_size.y)),)]


def outlines_of(path: Path) -> list[Rings]:
    """The outlines of a GeoJSON, in pixels.

    Raises
    ------
    InputError
        If there is no such file, it is none, or holds no outlines.
    """
    from coverslip.io.marks.geojson import geojson_marks
    from coverslip.io.marks.reading import json_of

    if not path.is_file():
        raise InputError(f"There is no file {path}; {_DRAW}.")
    outlines = geojson_marks(json_of(path), path).outlines
    if not outlines:
        raise InputError(f"{path} holds no outlines; {_DRAW}.")
    return list(outlines)


def _inside(rings: Rings, points: np.ndarray) -> np.ndarray:
    from skimage.measure import points_in_poly

    inside: np.ndarray = np.bitwise_xor.reduce([points_in_poly(points, ring) for ring in rings])
    return inside
