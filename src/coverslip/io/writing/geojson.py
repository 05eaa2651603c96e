"""Labelled objects as GeoJSON polygons, which QuPath opens as detections or annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from coverslip.core import InputError, LabelMap
from coverslip.io.atomic import atomic_path
from coverslip.io.writing.outlines import Outline, trace_outlines

ObjectKind = Literal["detection", "annotation"]


def write_geojson(
    labels: LabelMap | np.ndarray,
    path: str | Path,
    objects: Mapping[str, np.ndarray] | None = None,
    *,
    kind: ObjectKind = "detection",
    classification: str | Mapping[int, str] | None = None,
    colour: str | Mapping[str, str] = "#00c8b4",
) -> Path:
    """Write labels as a GeoJSON FeatureCollection of polygons, exactly along the edges of pixels.

    Parameters
    ----------
    labels : LabelMap or ndarray of int, shape (H, W) or (L, H, W)
        Object numbers, 0 for background; of objects that overlap, layers.
    path : str or Path
        Ends in ``.geojson`` or ``.json``.
    objects : mapping of str to ndarray, shape (n,), optional
        A table with the column ``label`` (`coverslip.measure.object_table`). Its numbers become the measurements of the
        objects, those that are not finite left out.
    kind : {"detection", "annotation"}
        What QuPath makes of the objects: detections are many, annotations are edited by hand.
    classification : str or mapping of int to str, optional
        Name of the class of all objects, such as ``Nucleus``, or of each by its label.
    colour : str or mapping of str to str
        ``#rrggbb`` of the class, or of each class.

    Returns
    -------
    Path
        The file written. The name of a feature is its label. Coordinates are pixels of the image at full resolution,
        (0, 0) its upper left corner. An object of several parts is a MultiPolygon; holes are inner rings.

    Raises
    ------
    InputError
        If the ending or the kind is another, the colour is none, or an object is missing in the table.
    """
    path = Path(path)
    if path.suffix.lower() not in (".geojson", ".json"):
        raise InputError(f"{path} should end in .geojson, because that is what is written.")
    if kind not in get_args(ObjectKind):
        raise InputError(f"There is no kind '{kind}' of object; choose detection or annotation.")
    outlines = trace_outlines(labels.labels if isinstance(labels, LabelMap) else labels)
    measured = _measurements(objects, outlines, path)
    properties: dict[str, Any] = {"objectType": kind}
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        # One feature per line: large files can be looked at, and are never held whole.
        stream.write('{"type": "FeatureCollection", "features": [')
        for i, outline in enumerate(outlines):
            said = {**properties, "name": str(outline.label)}
            name = classification.get(outline.label) if isinstance(classification, Mapping) else classification
            if name:
                said["classification"] = {"name": name, "color": _channels(colour, name)}
            if measured is not None:
                said["measurements"] = measured[i]
            feature = {"type": "Feature", "geometry": _geometry(outline), "properties": said}
            stream.write(("," if i else "") + "\n" + json.dumps(feature, ensure_ascii=False, allow_nan=False))
        stream.write("\n]}\n")
    return path


def _channels(colour: str | Mapping[str, str], name: str) -> list[int]:
    """Red, green and blue of a class."""
    text = colour if isinstance(colour, str) else colour[name]
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise InputError(f"'{text}' is not a colour; write it as '#rrggbb', such as '#00c8b4'.")
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)]


def _geometry(outline: Outline) -> dict[str, Any]:
    polygons = [[[*ring.tolist(), ring[0].tolist()] for ring in part] for part in outline.parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _measurements(
    objects: Mapping[str, np.ndarray] | None, outlines: list[Outline], path: Path
) -> list[dict[str, float]] | None:
    """For each outline its numbers."""
    if objects is None:
        return None
    row_of = {int(label): row for row, label in enumerate(objects["label"])}
    missing = next((outline.label for outline in outlines if outline.label not in row_of), None)
    if missing is not None:
        raise InputError(f"{path}: the table of objects has no row for label {missing}; measure these labels anew.")
    columns = {name: column for name, column in objects.items() if np.asarray(column).dtype.kind in "biuf"}
    found = []
    for outline in outlines:
        row = row_of[outline.label]
        values = {name: +column[row].item() for name, column in columns.items()}  # true and false as 1 and 0
        found.append({name: value for name, value in values.items() if np.isfinite(value)})
    return found
