"""What a TIFF file says of its image beside pixels and micrometres: channel names, resolutions."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from coverslip.io.images.axes import Arrangement
from coverslip.io.images.ome_xml import ome_pixels


def channel_names(tif: Any, series: int, arrangement: Arrangement) -> tuple[str, ...]:
    """Channel names where the file gives one for each channel; colours for the samples of a colour image."""
    count = dict(zip(arrangement.axes, arrangement.shape, strict=True)).get("C", 1)
    for witness in (_ome, _micromanager, _imagej, _lsm, _slide, _metamorph, _metaxpress):
        names = [name.strip() for name in witness(tif, series, arrangement.axes)]
        if len(names) == count and all(names):
            return tuple(names)
    page = tif.series[series].keyframe
    # Samples that the file itself calls channels are no colours, even where the tags say RGB.
    colour = int(page.photometric) in {2, 6} and "S" in tif.series[series].axes
    if colour and count in {3, 4} and int(page.samplesperpixel) == count:
        return ("red", "green", "blue", "alpha")[:count]
    return ()


def _ome(tif: Any, series: int, axes: str) -> list[str]:
    pixels = ome_pixels(tif, series)
    return [] if pixels is None else [c.get("Name") or "" for c in pixels.findall("{*}Channel")]


def _micromanager(tif: Any, series: int, axes: str) -> list[str]:
    names = ((tif.micromanager_metadata or {}).get("Summary") or {}).get("ChNames") or []
    return [str(name) for name in names] if isinstance(names, list) else []


def _imagej(tif: Any, series: int, axes: str) -> list[str]:
    labels = (tif.imagej_metadata or {}).get("Labels") if tif.is_imagej else None
    # ImageJ labels slices; they name channels only where they are the same in every frame and plane, and many hold the
    # files that a stack was made of, or counters: "c:1/2 - A01.tif", "0001". A single label comes as a text.
    if "C" not in axes or not isinstance(labels, list):
        return []
    count = dict(zip(tif.series[series].axes, tif.series[series].shape, strict=True)).get("C", 1)
    names = [str(label) for label in labels[:count]]
    repeated = [str(label) for label in labels] == names * (len(labels) // count)
    counted = any(_NO_NAME.search(name) for name in names) or len(set(names)) < len(names)
    return names if repeated and not counted else []


_FILE = r"\.(tiff?|stk|png|jpe?g|bmp|gif|nd2|lif|lsm|czi|oi[bf]|ims|zvi|vsi|dv|flex)\b"
_NO_NAME = re.compile(rf"{_FILE}|\b\d+/\d+|\b[czt]:\s*\d|^[\d\W_]*$", re.IGNORECASE)


def _lsm(tif: Any, series: int, axes: str) -> list[str]:
    facts = (tif.lsm_metadata or {}).get("ChannelColors") or {} if tif.is_lsm else {}
    return [str(name) for name in facts.get("ColorNames") or []]


def _slide(tif: Any, series: int, axes: str) -> list[str]:
    """Akoya and PerkinElmer slides describe each page, which is a channel, in XML."""
    if not tif.is_qpi or "C" not in tif.series[series].axes:
        return []
    return [
        _text(page.description, "Biomarker") or _text(page.description, "Name") for page in tif.series[series].pages
    ]


def _metamorph(tif: Any, series: int, axes: str) -> list[str]:
    facts = tif.stk_metadata if tif.is_stk else None
    planes = (facts or {}).get("PlaneDescriptions") or []
    names = [_property(plane, _ILLUMINATION) for plane in planes]
    return names if "C" in axes else list(dict.fromkeys(names))


def _metaxpress(tif: Any, series: int, axes: str) -> list[str]:
    return [_property(tif.pages.first.description, _ILLUMINATION)] if tif.is_metaseries else []


_ILLUMINATION = "_IllumSetting_"


def _xml(text: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, TypeError, ValueError):
        return None


def _text(description: str, tag: str) -> str:
    root = _xml(description)
    return "" if root is None else (root.findtext(tag) or "")


def _property(description: str, name: str) -> str:
    """A property of a plane in the XML that MetaMorph and MetaXpress write."""
    root = _xml(description)
    found = None if root is None else root.find(f".//*[@id='{name}']")
    return "" if found is None else found.get("value", "")


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
