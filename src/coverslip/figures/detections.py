"""Images with what was found in them drawn over: boxes and outlines in the colours of their classes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip.core import UNNAMED, Detections, Image
from coverslip.figures.overlay_files import draw_legend
from coverslip.figures.overlays import coloured

_SIDE = 2000
_SMALL = 1200
_WRONG = "#ff1f1f"


def section_jpeg(
    image: Image, found: Detections, colours: Mapping[str, str], side: int = _SIDE, wrong: np.ndarray | None = None
) -> bytes:
    """An image with its objects and regions, as one JPEG with a legend.

    Parameters
    ----------
    image : Image
        Any channels, contrast-stretched; a large one is read some rows at a time.
    found : Detections
        What is drawn: boxes, or outlines where there are such; those of regions are wider.
    colours : mapping of str to str
        ``#rrggbb`` of each class.
    side : int
        Pixels along the longer side, at most; small images are drawn larger, so that lines are fine.
    wrong : ndarray of bool, optional
        Regions that are outlined in red, because an annotation says otherwise.
    """
    stream = io.BytesIO()
    drawn(image, found, colours, side, wrong).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def drawn(
    image: Image, found: Detections, colours: Mapping[str, str], side: int = _SIDE, wrong: np.ndarray | None = None
) -> Any:
    """The same as a picture of Pillow."""
    from PIL import Image as Picture
    from PIL import ImageDraw

    pixels = coloured(image, side)
    factor = max(1, round(_SMALL / max(pixels.shape[:2])))
    picture = Picture.fromarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    scale = np.array([picture.width / found.size[1], picture.height / found.size[0]])
    width = max(1, round(max(picture.size) / 1000))
    if found.regions is not None:
        _outlines(pen, found.regions, colours, scale, 3 * width, wrong)
    if found.outlines is not None:
        _outlines(pen, found, colours, scale, 3 * width, wrong)
    else:
        names = found.names
        for name, box in zip(names, (found.boxes * np.tile(scale, 2)).round().astype(int).tolist(), strict=True):
            if box[2] - box[0] > 3 * width:
                pen.rectangle(box, outline=colours[name], width=width)
            else:  # a section of thousands of cells: dots
                pen.rectangle(
                    [box[0], box[1], max(box[2], box[0] + width), max(box[3], box[1] + width)], fill=colours[name]
                )
    layers = [found.names, *([found.regions.names] if found.regions is not None else [])]
    shown = {name: colour for name, colour in colours.items() if any((names == name).any() for names in layers)}
    draw_legend(pen, shown, picture.size)
    return picture


def _outlines(
    pen: Any, found: Detections, colours: Mapping[str, str], scale: np.ndarray, width: int, wrong: np.ndarray | None
) -> None:
    for i, (rings, name) in enumerate(zip(found.outlines or (), found.names, strict=True)):
        for ring in rings:
            line = [tuple(point) for point in (np.concatenate([ring, ring[:1]]) * scale).tolist()]
            pen.line(line, fill=colours.get(name, colours[UNNAMED]), width=width, joint="curve")
            if wrong is not None and wrong[i]:
                pen.line(line, fill=_WRONG, width=max(1, width // 2), joint="curve")
