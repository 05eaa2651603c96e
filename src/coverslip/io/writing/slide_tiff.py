"""Slides as pyramidal OME-TIFF, for QuPath and every viewer of slides: tiles of colour at several resolutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from coverslip.core import Image, InputError, Region
from coverslip.io.atomic import atomic_path
from coverslip.io.listing import bare_name

TILE = 512
_STRIP = 4 * TILE
Compression = Literal["zlib", "jpeg", "none"]


def write_slide_tiff(
    levels: Sequence[Image], path: str | Path, *, compression: Compression = "zlib"
) -> tuple[Path, list[str]]:
    """Write the levels of an RGB slide as OME-TIFF.

    Parameters
    ----------
    levels : sequence of Image
        Axes ``CYX``, three channels of 8 bits, the full resolution first. They are read some rows at a time.
    path : str or Path
        The file to write or replace; it ends in ``.tif`` or ``.tiff``.
    compression : {"zlib", "jpeg", "none"}
        Of the tiles; JPEG (quality 90) is the only one that loses something.

    Returns
    -------
    path : Path
    notes : list of str
        Which parts could not be read, and are white.

    Raises
    ------
    InputError
        If the ending is another one, or the levels are no RGB images of 8 bits.
    """
    path = Path(path)
    if path.suffix.lower() not in {".tif", ".tiff"}:
        raise InputError(f"{path} should end in .tif or .tiff, because that is what is written.")
    check_levels(levels, path)
    import tifffile

    notes: list[str] = []
    size = levels[0].pixel_size
    facts: dict[str, Any] = {"axes": "YXS", "Name": bare_name(path)}
    resolution: dict[str, Any] = {}
    if size is not None:
        for axis, length in (("X", size.x), ("Y", size.y)):
            facts |= {f"PhysicalSize{axis}": length, f"PhysicalSize{axis}Unit": "µm"}
        resolution = {"resolution": (1e4 / size.x, 1e4 / size.y), "resolutionunit": "CENTIMETER"}
    common: dict[str, Any] = {"dtype": np.uint8, "photometric": "rgb", "tile": (TILE, TILE)}
    if compression != "none":
        common["compression"] = compression
    if compression == "jpeg":
        common["compressionargs"] = {"level": 90}
    large = levels[0].nbytes > 2 << 30
    with atomic_path(path) as temporary, tifffile.TiffWriter(temporary, ome=True, bigtiff=large) as tif:
        for number, level in enumerate(levels):
            own = (
                {"subifds": len(levels) - 1, "metadata": facts, **resolution}
                if number == 0
                else {
                    "subfiletype": 1,
                    "metadata": None,
                }
            )
            shape = (level.height, level.width, 3)
            tif.write(tiles_of(level, number, notes), shape=shape, **common, **own)
    return path, notes


def check_levels(levels: Sequence[Image], path: Path) -> None:
    """Refuse levels that are no RGB images of 8 bits.

    Raises
    ------
    InputError
    """
    for level in levels:
        if level.axes != "CYX" or level.shape[0] != 3 or level.dtype != np.uint8:
            raise InputError(f"{path}: a slide is RGB of 8 bits, not {level.shape} {level.dtype}; convert it first.")


def tiles_of(level: Image, number: int, notes: list[str]) -> Iterator[np.ndarray]:
    """The tiles of a level in reading order; those at the end are filled up with white.

    Parameters
    ----------
    level : Image
    number : int
        Which it is.
    notes : list of str
        Which parts could not be read, and are white, is added to it.
    """
    for top in range(0, level.height, _STRIP):
        rows = _strip(level, number, top, min(_STRIP, level.height - top), notes)
        for y in range(0, rows.shape[0], TILE):
            for x in range(0, level.width, TILE):
                tile = rows[y : y + TILE, x : x + TILE]
                pad = TILE - tile.shape[0], TILE - tile.shape[1]
                if any(pad):
                    tile = np.pad(tile, ((0, pad[0]), (0, pad[1]), (0, 0)), constant_values=255)
                yield np.ascontiguousarray(tile)


def _strip(level: Image, number: int, top: int, height: int, notes: list[str]) -> np.ndarray:
    """Some rows of a level; where some of it cannot be read, that is white and noted."""
    region = Region(top, 0, height, level.width)
    try:
        return level.crop(region).read().transpose(1, 2, 0)
    except InputError:
        found = np.full((height, level.width, 3), 255, np.uint8)
        for y in range(0, height, TILE):
            for x in range(0, level.width, TILE):
                part = Region(top + y, x, min(TILE, height - y), min(TILE, level.width - x))
                try:
                    found[y : y + TILE, x : x + TILE] = level.crop(part).read().transpose(1, 2, 0)
                except InputError as error:
                    notes.append(f"Level {number}, rows from {part.y}, columns from {part.x} are white: {error}")
        return found
