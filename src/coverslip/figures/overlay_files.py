"""Pictures with outlines as files of their own, for mails and slides."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import Image
from coverslip.figures.colours import to_rgb
from coverslip.figures.overlays import COLOURS, RIGHT, Overlay, coloured, outline_codes, shrink_labels

_GAP = 8
_SIDE = 2000
_LEVELS = 128
"""Colours kept: hardly fewer to the eye, and a third of the bytes."""


def overlay_png(overlays: Sequence[Overlay]) -> bytes:
    """Pictures side by side, each with its outlines, as one PNG.

    Parameters
    ----------
    overlays : sequence of Overlay
        Of one height, such as the channels of a field.

    Returns
    -------
    bytes
        As many pixels as the pictures have, 8 white ones between them.
    """
    from PIL import Image as Picture

    width = sum(overlay.width + _GAP for overlay in overlays) - _GAP
    page = Picture.new("RGB", (width, overlays[0].height), "white")
    left = 0
    for overlay in overlays:
        size = (overlay.width, overlay.height)
        lines = Picture.open(io.BytesIO(_content(overlay.outlines))).convert("RGBA")
        lines = lines.resize(size, Picture.Resampling.BOX)
        page.paste(Picture.open(io.BytesIO(_content(overlay.picture))).convert("RGB"), (left, 0))
        page.paste(lines, (left, 0), lines)
        left += overlay.width + _GAP
    stream = io.BytesIO()
    page.quantize(_LEVELS, dither=Picture.Dither.NONE).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def overlay_jpeg(
    image: Image,
    labels: Image | np.ndarray,
    side: int = _SIDE,
    classes: Mapping[str, tuple[str, np.ndarray]] | None = None,
) -> bytes:
    """An image with the outlines of its objects, as one JPEG.

    Parameters
    ----------
    image : Image
        Any channels, contrast-stretched.
    labels : Image or ndarray of int, shape (H, W)
        Its objects; an `Image` is read some rows at a time.
    side : int
        Pixels along the longer side, at most; small images are drawn twice as large, so that lines are fine.
    classes : mapping of str to (str, ndarray of int), optional
        Of each class its colour ``#rrggbb`` and its objects; then there is a legend, and objects of none are drawn in
        the usual colour.
    """
    from PIL import Image as Picture
    from PIL import ImageDraw

    step = -(-max(image.height, image.width) // side)
    small = shrink_labels(labels, step)
    kinds, colours = {RIGHT: np.unique(small[small > 0])}, [COLOURS[RIGHT]]
    for colour, own in (classes or {}).values():
        colours.append(colour)
        kinds[len(colours)] = own
    codes = outline_codes(small, kinds)
    picture = coloured(image, side)
    factor = codes.shape[0] // small.shape[0]
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    drawn = codes > 0
    picture[drawn] = np.round(255 * to_rgb(colours))[codes[drawn] - 1]
    whole = Picture.fromarray(picture)
    there = {name: colour for name, (colour, own) in (classes or {}).items() if len(own)}
    draw_legend(ImageDraw.Draw(whole), there, whole.size)
    stream = io.BytesIO()
    whole.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def draw_legend(pen: Any, colours: Mapping[str, str], size: tuple[int, int]) -> None:
    """Draw names with their colours into the upper left corner of a picture of Pillow; nothing without names.

    Parameters
    ----------
    pen : PIL.ImageDraw.ImageDraw
        Of the picture.
    colours : mapping of str to str
        ``#rrggbb`` of each name.
    size : (int, int)
        Width and height of the picture, pixels.
    """
    from PIL import ImageFont

    if not colours:
        return
    height = max(12, round(max(size) / 70))
    font = ImageFont.load_default(height)
    widest = max(pen.textlength(name, font=font) for name in colours)
    line = round(1.4 * height)
    pen.rectangle([0, 0, widest + 2.2 * height, line * len(colours) + height // 2], fill="#ffffff")
    for k, (name, colour) in enumerate(colours.items()):
        top = k * line + height // 3
        pen.rectangle([height // 3, top, height // 3 + height, top + height], fill=colour)
        pen.text((1.7 * height, top - height // 6), name, fill="#1c2530", font=font)


def _content(uri: str) -> bytes:
    return base64.b64decode(uri.split(",", 1)[1])
