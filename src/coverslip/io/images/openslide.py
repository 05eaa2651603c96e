"""Slides of other scanners, by the library OpenSlide of the extra ``slides``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, MissingExtra, PixelSize, Window
from coverslip.io.images.inventory import Inventory
from coverslip.io.reasons import reason


class OpenSlideReader:
    """Reads windows of one level. It can be pickled; threads may share it."""

    def __init__(self, path: str, level: int) -> None:
        self.path, self.level = path, level
        self._slide: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_slide": None}

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window ``(3, H, W)``; where the scanner has seen nothing, white."""
        if self._slide is None:
            self._slide = _opened(self.path)
        channels, rows, columns = window
        factor = self._slide.level_downsamples[self.level]
        place = round(columns.start * factor), round(rows.start * factor)
        size = columns.stop - columns.start, rows.stop - rows.start
        try:
            pixels = np.asarray(self._slide.read_region(place, self.level, size))
        except Exception as error:
            raise InputError(f"{self.path} is damaged ({reason(error)}); copy it again from its source.") from error
        seen = pixels[..., 3:].astype(np.uint16)
        rgb = (pixels[..., :3] * (seen > 0) + 255 * (seen == 0)).astype(np.uint8)
        return np.ascontiguousarray(rgb.transpose(2, 0, 1)[channels])


def open_by_openslide(path: Path, axes: str | None = None, series: int | str | None = None, level: int = 0) -> Image:
    """Open a level of a slide; the label and the macro picture are none.

    Raises
    ------
    InputError
        If it cannot be read, or has no such level.
    MissingExtra
        If OpenSlide is not installed.
    """
    slide = _opened(str(path))
    sizes = slide.level_dimensions
    if axes not in (None, "CYX") or Inventory().find(str(path), series):
        raise InputError(f"{path} holds one image with the axes CYX; leave out axes={axes} and series={series}.")
    if not 0 <= level < len(sizes):
        raise InputError(f"{path} has no level {level}: it has {len(sizes)}, counted from 0.")
    facts, (width, height) = dict(slide.properties), sizes[level]
    size, factor = _pixel_size(facts), sizes[0][1] / height
    return Image(
        "CYX",
        (3, height, width),
        np.dtype(np.uint8),
        str(path),
        OpenSlideReader(str(path), level),
        None if size is None else PixelSize(size.y * factor, size.x * factor),
        ("red", "green", "blue"),
        {
            "format": facts.get("openslide.vendor", "OpenSlide"),
            "magnification": facts.get("openslide.objective-power"),
            "levels": len(sizes),
        },
    )


def one_of_each_series(paths: list[Path]) -> list[Path]:
    """Of DICOM files the first of each series: a slide has one file for each of its resolutions, and for its label.

    Where OpenSlide is not installed, and of files that it cannot open, all are left, for whoever opens them to say so.
    """
    try:
        import openslide  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return paths
    found: dict[tuple[Path, str], Path] = {}
    closed = []
    for path in paths:
        try:
            with openslide.OpenSlide(path) as slide:
                found.setdefault((path.parent, slide.properties.get("dicom.SeriesInstanceUID", str(path))), path)
        except openslide.OpenSlideError:
            closed.append(path)
    opened = {folder for folder, _ in found}
    return sorted([*found.values(), *(path for path in closed if path.parent not in opened)], key=paths.index)


def _opened(path: str) -> Any:
    try:
        import openslide  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise MissingExtra(
            f"{path} needs OpenSlide, which is not installed; install it with pip install 'coverslip[slides]'."
        ) from error
    if not Path(path).exists():
        raise InputError(f"{path} does not exist; check the name and the folder it is looked for in.")
    try:
        return openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        raise InputError(
            f"{path} cannot be read as a slide ({reason(error)}); copy it again from the scanner."
        ) from error


def _pixel_size(facts: dict[str, Any]) -> PixelSize | None:
    try:
        return PixelSize(float(facts["openslide.mpp-y"]), float(facts["openslide.mpp-x"]))
    except (KeyError, ValueError):
        return None
