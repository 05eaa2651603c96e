"""Slides of other scanners, by the library OpenSlide of the extra ``slides``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, MissingExtra, PixelSize, Window
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


def open_by_openslide(path: Path) -> tuple[tuple[Image, ...], dict[str, Any]]:
    """All levels of a slide, and what the scanner notes, without the label and the macro picture.

    Raises
    ------
    InputError
        If it cannot be read.
    MissingExtra
        If OpenSlide is not installed.
    """
    slide = _opened(str(path))
    facts = dict(slide.properties)
    size = _pixel_size(facts)
    levels = []
    for level, (width, height) in enumerate(slide.level_dimensions):
        factor = slide.dimensions[1] / height
        own = None if size is None else PixelSize(size.y * factor, size.x * factor)
        image = Image("CYX", (3, height, width), np.dtype(np.uint8), str(path), OpenSlideReader(str(path), level), own)
        levels.append(image)
    return tuple(levels), {
        "format": facts.get("openslide.vendor", "OpenSlide"),
        "magnification": facts.get("openslide.objective-power"),
    }


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
