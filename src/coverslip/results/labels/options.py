"""Options of the verbs for label images."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from coverslip.core import NoDataRule, Options, flag


def nodata_flag() -> Any:
    """The option that says which pixels hold no image."""
    return flag(None, "Grey value of pixels that hold no image, none or auto; default: as in the fit, or auto.")


def strict_flag() -> Any:
    """The option that refuses what a model does not fit."""
    return flag(False, "Refuse images that are not like those the model was fitted to.")


def zarr_flag() -> Any:
    """The option that says in which version OME-Zarr is written."""
    return flag("0.5", "Version of OME-Zarr: 0.5 (the default), or 0.4 for older programs.")


class Predict(Options):
    """Of predicting."""

    probability: bool = flag(False, "Keep the foreground probability too.")
    overlay: bool = flag(True, "Draw the outlines over each image (.overlay.jpg); --no-overlay saves the time.")
    nodata: NoDataRule | None = nodata_flag()
    strict: bool = strict_flag()
    zarr_version: Literal["0.5", "0.4"] = zarr_flag()
    maps: bool = Field(True, description="Keep the maps that objects are made from, where a method says so: to refine.")


class Evaluate(Options):
    """Of measuring."""

    group: str | None = flag(None, "Column whose groups are resampled whole, such as plate.")
    split: str | None = flag(None, "Only images of this split, such as val.")
    partial: bool = flag(False, "Leave out images without a result.")
    min_area: int = flag(0, "Objects of fewer pixels count neither for nor against.", ge=0)


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
    megapixels: float = flag(
        50.0, "Million pixels of large images that the page holds for a closer look, at some 0.3 MB each.", ge=0
    )


class Export(Options):
    """Of export."""

    geojson: bool = flag(False, "Polygons with measurements, for QuPath.")
    rois: bool = flag(False, "A zip of ROIs, for ImageJ and Fiji.")
    zarr: bool = flag(False, "OME-Zarr of image and labels, for napari.")
    zarr_version: Literal["0.5", "0.4"] = zarr_flag()
    csv: bool = flag(False, "The table of objects as text, for spreadsheets.")
    xlsx: bool = flag(False, "The table of objects as an Excel file, one sheet.")
    spatialdata: bool = flag(False, "A SpatialData store of images, labels, outlines and table, for scverse.")
    kind: Literal["detection", "annotation"] = flag(
        "detection", "What QuPath makes of the objects: detection or annotation."
    )
    classification: str | None = flag(None, "Class of all objects in QuPath: Nucleus.")
    class_by: str | None = flag(
        None,
        "Column that gives each object its class in QuPath: cluster; default: 'class', where there is one.",
    )
    cells: Any = flag(None, "Embedding of the objects (.h5ad) whose columns and vectors join the table.")
