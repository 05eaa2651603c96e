"""Which images a TIFF file holds, and of which files it is a part."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from coverslip.io.images.inventory import Inventory, Series, named_beside, thumbnails


def tiff_inventory(tif: Any) -> Inventory:
    """What an open TIFF file holds.

    Beside the images are what names say (label, macro, thumbnail), the overview of Leica's slide scanners, pages marked
    as reduced, and small copies of a larger image; the last two not in OME-TIFF, which says itself what it holds.
    """
    every = tif.series
    if is_positions(tif):
        names = _position_names(tif)
        count = every[0].get_shape(False)[every[0].get_axes(False).index("R")]
        found = [Series(i, names[i] if i < len(names) else "") for i in range(count)]
    else:
        beside = _beside(tif)
        found = [Series(i, str(one.name or ""), beside[i]) for i, one in enumerate(every)]
        if all(one.beside for one in found):
            found = [Series(one.index, one.name) for one in found]
    return Inventory(tuple(found) or (Series(0),), _files(tif))


def is_positions(tif: Any) -> bool:
    """Whether the one series of a file is all positions of Micro-Manager, along an axis of its own (``R``)."""
    every = tif.series
    if len(every) != 1 or every[0].kind != "mmstack":
        return False
    axes, shape = every[0].get_axes(False), every[0].get_shape(False)
    return "R" in axes and shape[axes.index("R")] > 1


def _beside(tif: Any) -> list[str]:
    every = tif.series
    named = [named_beside(str(one.name or "")) for one in every]
    if len(every) < 2 or every[0].kind == "ome":
        return named
    if every[0].kind == "scn":
        return ["macro" if macro else name for macro, name in zip(_scn_macros(tif), named, strict=True)]
    small = thumbnails([_size(one) for one in every])
    reduced = [bool(one.keyframe.is_reduced) for one in every]
    return [name or ("thumbnail" if s or r else "") for name, s, r in zip(named, small, reduced, strict=True)]


def _size(series: Any) -> tuple[int, int]:
    lengths = dict(zip(series.axes, series.shape, strict=True))
    return int(lengths.get("Y", 0)), int(lengths.get("X", 0))


def _scn_macros(tif: Any) -> list[bool]:
    """Which images of a Leica SCN file show the whole slide: their view is as large as the collection."""
    found = []
    for collection in ElementTree.fromstring(tif.pages.first.description).iterfind("{*}collection"):
        slide = collection.get("sizeX"), collection.get("sizeY")
        for image in collection.iterfind("{*}image"):
            view = image.find("{*}view")
            whole = view is not None and (view.get("sizeX"), view.get("sizeY")) == slide
            found += [whole] * len(image.findall("{*}pixels"))
    return found


def _position_names(tif: Any) -> list[str]:
    summary = (tif.micromanager_metadata or {}).get("Summary") or {}
    for key in ("StagePositions", "InitialPositionList"):
        listed = summary.get(key)
        if isinstance(listed, list):
            return [str(one.get("Label", "")) if isinstance(one, dict) else "" for one in listed]
    return []


def _files(tif: Any) -> tuple[Path, ...]:
    """The files that together hold what this one describes; none where it is whole by itself."""
    if not any(one.is_multifile for one in tif.series):
        return ()
    pages = (page for one in tif.series for page in one.pages if page is not None)
    return tuple(sorted({Path(page.parent.filehandle.path) for page in pages}))
