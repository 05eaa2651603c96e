"""Options of the verbs for detections."""

from __future__ import annotations

from typing import Literal

from coverslip.core import Options, flag


class Predict(Options):
    """Of predicting."""

    regions: str | None = flag(
        None, "Regions that cells are assigned to: a result of a region model, or a GeoJSON of one image."
    )
    restage: bool = flag(
        True,
        "Stage regions by the cells in them, where their model learned how; --no-restage keeps the stages they have.",
    )
    exclude: str | None = flag(None, "GeoJSON of areas that are left out: damaged, or cut lengthwise.")
    markers: str | None = flag(
        None, "Channels in which positive cells are counted, each with a threshold: SOX9=120,SALL4=otsu,AR=control.tif."
    )
    marker_area: Literal["ellipse", "box"] = flag(
        "ellipse", "Pixels of a cell: those of the ellipse in its box, or of the box."
    )
    overlay: bool = flag(True, "Draw what was found over each image (.overlay.jpg); --no-overlay saves the time.")


class Evaluate(Options):
    """Of measuring."""

    group: str | None = flag(None, "Column whose groups are resampled whole, such as plate.")
    split: str | None = flag(None, "Only images of this split, such as val.")
    partial: bool = flag(False, "Leave out images without a result.")
    radius: str | None = flag(
        None, "Match middles within this distance: 12 (pixels) or 6um; default: boxes by IoU 0.5, points within 12 px."
    )
    bad_boxes: Literal["refuse", "drop"] = flag("refuse", "What becomes of true boxes without area: refuse or drop.")
    regions: bool = flag(False, "Measure the regions that the objects lie in, against a truth of regions.")
    circular: bool = flag(True, "The last class of regions is followed by the first, as stages are.")
    against: str | None = flag(
        None, "Another result, such as that of the wild type: shares of the classes in both, and how they differ."
    )
    profile: str | None = flag(
        None, "Which classes should express which marker: testis, or SOX9=Sertoli,USF1=Sertoli+Spg."
    )


class Report(Options):
    """Of the page."""

    truth: str | None = flag(None, "A sheet with the truth; default: what the result names.")
    partial: bool = flag(False, "Leave out images without a result.")
    bad_boxes: Literal["refuse", "drop"] = flag("refuse", "What becomes of true boxes without area: refuse or drop.")
    against: str | None = flag(None, "Another result, to show what there is of each class beside each other.")
    profile: str | None = flag(
        None, "Which classes should express which marker: testis, or SOX9=Sertoli,USF1=Sertoli+Spg."
    )


class Export(Options):
    """Of export."""

    geojson: bool = flag(False, "Polygons with classes in their colours, for QuPath.")
    coco: bool = flag(False, "One COCO JSON of all images.")
    csv: bool = flag(False, "The table of objects as text, for spreadsheets.")
