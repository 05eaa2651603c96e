"""Pictures with outlines as files of their own, for mails and slides."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

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


def overlay_jpeg(image: Image, labels: Image | np.ndarray, side: int = _SIDE) -> bytes:
    """An image with the outlines of its objects, as one JPEG.

    Parameters
    ----------
    image : Image
        Any channels, contrast-stretched.
    labels : Image or ndarray of int, shape (H, W)
        Its objects; an `Image` is read some rows at a time.
    side : int
        Pixels along the longer side, at most; small images are drawn twice as large, so that lines are fine.
    """
    from PIL import Image as Picture

    step = -(-max(image.height, image.width) // side)
    small = shrink_labels(labels, step)
    codes = outline_codes(small, {RIGHT: np.unique(small[small > 0])})
    picture = coloured(image, side)
    factor = codes.shape[0] // small.shape[0]
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    picture[codes > 0] = np.round(255 * to_rgb([COLOURS[RIGHT]])[0])
    stream = io.BytesIO()
    Picture.fromarray(picture).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _content(uri: str) -> bytes:
    return base64.b64decode(uri.split(",", 1)[1])
