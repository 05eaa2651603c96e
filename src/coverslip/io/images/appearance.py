"""How viewers show a picture: which way up, and in which colours a palette gives."""

from __future__ import annotations

from typing import Any

import numpy as np


def orientation(picture: Any) -> int:
    """The EXIF orientation of a picture that Pillow has opened, 1 to 8; nothing is decoded."""
    from PIL import ExifTags, Image

    # Not the picture's own getexif: that of PNG decodes all pixels to look for tags behind them.
    found = Image.Image.getexif(picture).get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels ``(H, W)`` or ``(H, W, samples)`` as viewers show them (a view)."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    upside_down, mirrored = orientation in {3, 4, 7, 8}, orientation in {2, 3, 6, 7}
    return pixels[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def shown_mode(picture: Any) -> str:
    """The mode of a picture that Pillow has opened; that of its colours, where it has a palette.

    A palette of greys gives one channel; transparencies of its colours give an alpha channel.
    """
    if picture.mode != "P":
        return str(picture.mode)
    palette = picture.palette
    raw = np.frombuffer(bytes(palette.palette), np.uint8)
    size = len(palette.rawmode or palette.mode)
    colours = raw[: len(raw) // size * size].reshape(-1, size)[:, :3]
    grey = len(colours) > 0 and bool((colours == colours[:, :1]).all())
    return ("L" if grey else "RGB") + ("A" if "transparency" in picture.info else "")
