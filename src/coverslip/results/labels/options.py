"""Options of the verbs for label images."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from coverslip.core import NoDataRule, Options, flag


def nodata_flag() -> Any:
    """The option that says which pixels hold no image."""
    return flag(None, "Grey value of pixels that hold no image, none or auto; default: as in the fit, or auto.")


class Predict(Options):
    """Of predicting."""

    probability: bool = flag(False, "Keep the foreground probability too.")
    nodata: NoDataRule | None = nodata_flag()
    maps: bool = Field(True, description="Keep the maps that objects are made from, where a method says so: to refine.")


class Evaluate(Options):
    """Of measuring."""

    group: str | None = flag(None, "Column whose groups are resampled whole, such as plate.")
    split: str | None = flag(None, "Only images of this split, such as val.")
    partial: bool = flag(False, "Leave out images without a result.")


class Measure(Options):
    """Of measuring objects anew."""

    ring: float = flag(0.0, "Measure a ring of this width around each object too.", ge=0)
    grow: float = flag(0.0, "Measure each object grown by so much, as a cell, too.", ge=0)
    unit: Literal["px", "um"] = flag("px", "Of these distances: px (the default) or um.")


class Report(Options):
    """Of the page."""

    truth: Any = flag(None, "A sheet with the truth, a folder of masks or a mask; default: what the result names.")
    partial: bool = flag(False, "Leave out images without a result.")
    group: str | None = flag(None, "Column whose groups are compared.")


class Export(Options):
    """Of export."""

    geojson: bool = flag(False, "Polygons with measurements, for QuPath.")
    rois: bool = flag(False, "A zip of ROIs, for ImageJ and Fiji.")
    zarr: bool = flag(False, "OME-Zarr of image and labels, for napari.")
    csv: bool = flag(False, "The table of objects, for spreadsheets.")
    kind: Literal["detection", "annotation"] = flag(
        "detection", "What QuPath makes of the objects: detection or annotation."
    )
    classification: str | None = flag(None, "Class of all objects in QuPath: Nucleus.")
