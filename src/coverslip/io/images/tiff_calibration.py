"""How large the pixels of a TIFF file are: the programs that write TIFF say so in many places."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from coverslip.core import PixelSize
from coverslip.io.images.calibration import Sizes, calibrated
from coverslip.io.images.ome_xml import ome_pixels
from coverslip.io.images.units import micrometres


def pixel_size(tif: Any, series: int, level: int, axes: str) -> PixelSize | None:
    """Micrometres per pixel of one series at one resolution, whose axes are `axes`.

    The first witness that says anything is heard, also if it says that the size is unknown: the tags of a file whose
    program says "not calibrated" hold what is meant for printers.
    """
    said = next((found for witness in _WITNESSES if (found := witness(tif, series)) is not None), None)
    levels = tif.series[series].levels
    full, small = (dict(zip(s.axes, s.shape, strict=True)) for s in (levels[0], levels[level]))
    return calibrated(said, axes, (full["Y"] / small["Y"], full["X"] / small["X"]))


def _ome(tif: Any, series: int) -> Sizes | None:
    pixels = ome_pixels(tif, series)
    if pixels is None or pixels.get("PhysicalSizeX") is None:
        return None
    return {a: micrometres(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "XYZ"}


def _micromanager(tif: Any, series: int) -> Sizes | None:
    facts = (tif.micromanager_metadata or {}).get("Summary") or {}
    if "PixelSize_um" not in facts:
        return None
    x = micrometres(facts["PixelSize_um"], "µm")  # 0: not calibrated
    return {"Y": x, "X": x, "Z": micrometres(facts.get("z-step_um"), "µm")}


def _imagej(tif: Any, series: int) -> Sizes | None:
    facts = tif.imagej_metadata if tif.is_imagej else None
    if not facts:
        return None
    if "SCIFIO" in facts:
        return _scifio(tif, facts)
    if "unit" not in facts:
        return None
    unit = str(facts["unit"])
    x, y = _resolution(tif.pages.first)  # per that unit, whatever the tag of units says
    return {
        "X": micrometres(1 / x, unit) if x else None,
        "Y": micrometres(1 / y, str(facts.get("yunit", unit))) if y else None,
        "Z": micrometres(facts.get("spacing"), str(facts.get("zunit", unit))),
    }


def _scifio(tif: Any, facts: dict[str, Any]) -> Sizes:
    """ImageJ2 begins its notes as ImageJ does, but writes its tags per centimetre."""
    axes, scales, units = (str(facts.get(key, "")).split(",") for key in ("axes", "scales", "units"))
    if len(axes) == len(scales) == len(units):
        return {a: micrometres(n, unit) for a, n, unit in zip(axes, scales, units, strict=True)}
    known = micrometres(1, str(facts.get("unit", "")))
    return (_tags(tif, 0) or {}) if known else {}


def _lsm(tif: Any, series: int) -> Sizes | None:
    facts = tif.lsm_metadata if tif.is_lsm else None
    return {a: micrometres(facts.get(f"VoxelSize{a}"), "m") for a in "XYZ"} if facts else None


def _metamorph(tif: Any, series: int) -> Sizes | None:
    facts = tif.stk_metadata if tif.is_stk else None
    if not facts or "XCalibration" not in facts:
        return None
    if facts.get("SpatialCalibration") == 0:
        return {}
    unit = str(facts.get("CalibrationUnits", ""))
    z = abs(float(next(iter(facts.get("ZDistance", ())), 0)))
    return {
        "X": micrometres(facts["XCalibration"], unit),
        "Y": micrometres(facts.get("YCalibration"), unit),
        "Z": micrometres(z, "µm"),
    }


def _metaxpress(tif: Any, series: int) -> Sizes | None:
    facts = ((tif.metaseries_metadata if tif.is_metaseries else None) or {}).get("PlaneInfo") or {}
    if "spatial-calibration-x" not in facts:
        return None
    if facts.get("spatial-calibration-state") is False:
        return {}
    unit = str(facts.get("spatial-calibration-units", ""))
    return {a: micrometres(facts.get(f"spatial-calibration-{a.lower()}"), unit) for a in "XY"}


def _fluoview(tif: Any, series: int) -> Sizes | None:
    facts = tif.fluoview_metadata if tif.is_fluoview else None
    dimensions = (facts or {}).get("Dimensions") or ()
    return {d[0].upper(): micrometres(d[3], d[4]) for d in dimensions} or None


def _olympus(tif: Any, series: int) -> Sizes | None:
    facts = tif.sis_metadata if tif.is_sis else None
    if not facts or "pixelsizex" not in facts:
        return None
    return {a: micrometres(facts.get(f"pixelsize{a.lower()}"), "m") for a in "XY"}


def _scanner(tif: Any, series: int) -> Sizes | None:
    # Aperio writes "MPP = 0.4990" (micrometres per pixel of the full resolution) into the description.
    if not tif.is_svs or series != 0:
        return None
    match = re.search(r"MPP\s*=\s*([0-9.]+)", tif.pages.first.description or "")
    size = micrometres(match.group(1), "µm") if match else None
    return {"Y": size, "X": size} if match else None


def _tags(tif: Any, series: int) -> Sizes | None:
    page = tif.series[series].keyframe
    unit = {2: "inch", 3: "cm"}.get(int(getattr(page, "resolutionunit", 1) or 1))
    if unit is None:
        return None
    x, y = (micrometres(1 / n, unit) if n else None for n in _resolution(page))
    return {"X": x, "Y": y}


_WITNESSES: tuple[Callable[[Any, int], Sizes | None], ...] = (
    _ome,
    _micromanager,
    _imagej,
    _lsm,
    _metamorph,
    _metaxpress,
    _fluoview,
    _olympus,
    _scanner,
    _tags,
)


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
