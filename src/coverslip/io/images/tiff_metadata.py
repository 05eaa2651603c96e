"""What a TIFF file says of its image beside the pixels: micrometres, channel names, resolutions."""

from __future__ import annotations

import re
from math import prod
from typing import Any
from xml.etree import ElementTree

from coverslip.core import PixelSize
from coverslip.io.images.axes import Arrangement
from coverslip.io.images.units import MICROMETRES, micrometres

# Programs that know nothing of microscopes fill the resolution tags with screen and printer values (72 to 1200 dpi,
# 353 to 21 µm). Only what a microscope can make is believed: 5 nm to 20 µm per pixel.
_BELIEVABLE = (0.005, 20.0)


def pixel_size(tif: Any, series: int, level: int) -> PixelSize | None:
    """Micrometres per pixel, from the best witness there is: OME, ImageJ, LSM, the scanner's note, then the tags."""
    chosen = tif.series[series]
    found = None
    for witness in (_ome_size, _imagej_size, _lsm_size, _scanner_size, _tag_size):
        found = witness(tif, series)
        if found is not None:
            break
    if found is None or level == 0:
        return found
    full, small = (dict(zip(s.axes, s.shape, strict=True)) for s in (chosen, chosen.levels[level]))
    return PixelSize(found.y * full["Y"] / small["Y"], found.x * full["X"] / small["X"], found.z)


def channel_names(tif: Any, series: int, arrangement: Arrangement) -> tuple[str, ...]:
    """Channel names where the file gives one for each channel; colours for the samples of a colour image."""
    count = dict(zip(arrangement.axes, arrangement.shape, strict=True)).get("C", 1)
    names: list[str] = []
    if tif.is_ome:
        names = [c.get("Name") or "" for c in _ome_pixels(tif, series, "Channel")]
    elif tif.is_imagej:
        labels = (tif.imagej_metadata or {}).get("Labels") or []
        # ImageJ labels slices; they name channels only where the slices are the channels.
        names = [str(label) for label in labels] if arrangement.axes == "CYX" else []
    if len(names) == count and all(names):
        return tuple(names)
    page = tif.series[series].keyframe
    # Samples that the file itself calls channels are no colours, even where the tags say RGB.
    colour = int(page.photometric) in {2, 6} and "S" in tif.series[series].axes
    if colour and count in {3, 4} and int(page.samplesperpixel) == count:
        return ("red", "green", "blue", "alpha")[:count]
    return ()


def metadata(tif: Any, series: int) -> dict[str, Any]:
    """Plain facts worth keeping: the dialect, how many images and resolutions there are, the scanner's note."""
    chosen = tif.series[series]
    levels = [dict(zip(level.axes, level.shape, strict=True)) for level in chosen.levels]
    facts: dict[str, Any] = {
        "format": f"{chosen.kind} TIFF" if chosen.kind else "TIFF",
        "series": len(tif.series),
        "levels": [(int(level["Y"]), int(level["X"])) for level in levels],
        "photometric": getattr(chosen.keyframe.photometric, "name", str(chosen.keyframe.photometric)),
    }
    if tif.is_svs:
        facts["description"] = tif.pages.first.description
    return facts


def declared_planes(tif: Any) -> int:
    """The largest number of planes that the OME-XML promises for one image; 0 where there is none."""
    counts = [0]
    if tif.is_ome:
        for pixels in _every_ome_pixels(tif):
            sizes = [pixels.get(f"Size{a}", "1") for a in "TCZ"]
            counts.append(prod(int(n) for n in sizes if n.isdecimal()))
    return max(counts)


def _every_ome_pixels(tif: Any) -> list[ElementTree.Element]:
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except (ElementTree.ParseError, TypeError, ValueError):
        return []
    return [pixels for image in root.findall("{*}Image") for pixels in image.findall("{*}Pixels")]


def _ome_pixels(tif: Any, series: int, child: str | None = None) -> list[ElementTree.Element]:
    """The Pixels element of an image in the OME-XML, or its children of one name; empty where there is none."""
    every = _every_ome_pixels(tif)
    if not 0 <= series < len(every):
        return []
    return every[series].findall(f"{{*}}{child}") if child else [every[series]]


def _ome_size(tif: Any, series: int) -> PixelSize | None:
    if not tif.is_ome:
        return None
    for pixels in _ome_pixels(tif, series):
        said = {a: micrometres(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "XYZ"}
        if said["X"] and said["Y"]:
            return PixelSize(said["Y"], said["X"], said["Z"])
    return None


def _imagej_size(tif: Any, series: int) -> PixelSize | None:
    if not tif.is_imagej:
        return None
    facts = tif.imagej_metadata or {}
    unit = str(facts.get("unit", ""))
    if unit.strip().lower() not in MICROMETRES:
        return None
    per_pixel = [micrometres(1 / n, unit) if n else None for n in _resolution(tif.pages.first)]
    x, y = per_pixel
    z = micrometres(facts.get("spacing"), unit)
    return PixelSize(y, x, z) if x and y else None


def _lsm_size(tif: Any, series: int) -> PixelSize | None:
    facts = tif.lsm_metadata if tif.is_lsm else None
    if not facts:
        return None
    x, y, z = (micrometres(facts.get(f"VoxelSize{a}"), "m") for a in "XYZ")
    return PixelSize(y, x, z) if x and y else None


def _scanner_size(tif: Any, series: int) -> PixelSize | None:
    # Aperio writes "MPP = 0.4990" (micrometres per pixel of the full resolution) into the description.
    if not tif.is_svs or series != 0:
        return None
    match = re.search(r"MPP\s*=\s*([0-9.]+)", tif.pages.first.description or "")
    size = micrometres(match.group(1), "µm") if match else None
    return PixelSize(size, size) if size else None


def _tag_size(tif: Any, series: int) -> PixelSize | None:
    page = tif.series[series].keyframe
    unit = {2: "inch", 3: "cm"}.get(int(getattr(page, "resolutionunit", 1) or 1))
    if unit is None:
        return None
    x, y = (micrometres(1 / n, unit) if n else None for n in _resolution(page))
    if x is None or y is None or not all(_BELIEVABLE[0] <= n <= _BELIEVABLE[1] for n in (x, y)):
        return None
    return PixelSize(y, x)


def _resolution(page: Any) -> tuple[float, float]:
    """Pixels per unit along x and y; 0 where the file does not say."""
    found = []
    for code in (282, 283):
        value = page.tags.valueof(code)
        try:
            top, bottom = value
            found.append(top / bottom)
        except (TypeError, ValueError, ZeroDivisionError):
            found.append(0.0)
    return found[0], found[1]
