"""What the OME-XML of a TIFF file says, element by element; damaged XML says nothing."""

from __future__ import annotations

from math import prod
from typing import Any
from xml.etree import ElementTree


def ome_pixels(tif: Any, series: int) -> ElementTree.Element | None:
    """The Pixels element of one image; None where there is none."""
    every = _every(tif)
    return every[series] if 0 <= series < len(every) else None


def declared_planes(tif: Any) -> int:
    """The largest number of planes that the OME-XML promises for one image; 0 where there is none."""
    counts = [0]
    for pixels in _every(tif):
        sizes = [pixels.get(f"Size{a}", "1") for a in "TCZ"]
        counts.append(prod(int(n) for n in sizes if n.isdecimal()))
    return max(counts)


def _every(tif: Any) -> list[ElementTree.Element]:
    if not tif.is_ome:
        return []
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except (ElementTree.ParseError, TypeError, ValueError):
        return []
    return [pixels for image in root.findall("{*}Image") for pixels in image.findall("{*}Pixels")]
