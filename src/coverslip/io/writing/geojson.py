"""Labelled objects as GeoJSON polygons, which QuPath opens as detections or annotations."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from coverslip.core import InputError, LabelMap
from coverslip.io.atomic import atomic_path
from coverslip.io.writing.outlines import Outline, trace_outlines

ObjectKind = Literal["detection", "annotation"]

_IDS = uuid.UUID("6f1d4c4e-5f0b-5b0e-9b66-0c8f2f6f7c11")
"""The space of names that ids of objects are from."""

_UNITS = {"px": "px", "px2": "px^2", "um": "µm", "um2": "µm^2", "deg": "°"}
_STATISTICS = {"mean": "Mean", "std": "Std.Dev.", "min": "Min", "max": "Max", "sum": "Sum"}


def write_geojson(
    labels: LabelMap | np.ndarray,
    path: str | Path,
    objects: Mapping[str, np.ndarray] | None = None,
    *,
    kind: ObjectKind = "detection",
    classification: str | Sequence[str] | None = None,
    colour: str | Mapping[str, str] = "#00c8b4",
    source: str | None = None,
    plane: tuple[int, int] | None = None,
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
        objects, named as QuPath names them (`measurement_name`), those that are not finite left out.
    kind : {"detection", "annotation"}
        What QuPath makes of the objects: detections are many, annotations are edited by hand.
    classification : str or sequence of str, optional
        Name of the class of all objects, such as ``Nucleus``; or that of each row of `objects`, empty for none.
    colour : str or mapping of str to str
        ``#rrggbb`` of the class, or of each.
    source : str, optional
        What tells the labels apart from those of other images, such as the file name of the image. The ids of the
        objects follow from it and their numbers, so that objects that are imported again take the place of those there.
        Default: the file name of `path`.
    plane : (int, int), optional
        Focal plane and frame of the image that the objects are in, from 0.

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
    classes = _classes(classification, colour, objects, outlines)
    named = path.name.split(".")[0] if source is None else source
    where = {} if plane is None else {"plane": {"c": -1, "z": plane[0], "t": plane[1]}}
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        # One feature per line: large files can be looked at, and are never held whole.
        stream.write('{"type": "FeatureCollection", "features": [')
        for i, outline in enumerate(outlines):
            said: dict[str, Any] = {"objectType": kind, **classes[i], "name": str(outline.label)}
            if measured is not None:
                said["measurements"] = measured[i]
            number = str(uuid.uuid5(_IDS, f"{named}/{outline.label}"))
            feature = {"type": "Feature", "id": number, "geometry": _geometry(outline) | where, "properties": said}
            stream.write(("," if i else "") + "\n" + json.dumps(feature, ensure_ascii=False, allow_nan=False))
        stream.write("\n]}\n")
    return path


def measurement_name(column: str) -> str:
    """A column of a table of objects as QuPath would call it: ``Area µm^2``, ``Centroid X µm``, ``DAPI: Mean``."""
    words, _, unit = column.rpartition("_")
    if not words:
        return column[:1].upper() + column[1:]
    if unit in _STATISTICS:
        name, _, around = words.rpartition("_")
        parts = [name, around.capitalize()] if name and around in ("ring", "cell") else [words]
        return ": ".join([*parts, _STATISTICS[unit]])
    if unit in _UNITS:
        said = f"Centroid {words.upper()}" if words in ("x", "y") else words.replace("_", " ").capitalize()
        return f"{said} {_UNITS['px2' if (words, unit) == ('area', 'px') else unit]}"
    return column.replace("_", " ").capitalize()


def _classes(
    classification: str | Sequence[str] | None,
    colour: str | Mapping[str, str],
    objects: Mapping[str, np.ndarray] | None,
    outlines: list[Outline],
) -> list[dict[str, Any]]:
    """The class of each outline, as a property."""
    if classification is None:
        return [{}] * len(outlines)
    if isinstance(classification, str):
        names = [classification] * len(outlines)
    elif objects is None:
        raise InputError("Classes of single objects go with their table; give objects too.")
    else:
        name_of = dict(zip(np.asarray(objects["label"]).tolist(), classification, strict=True))
        names = [name_of.get(outline.label, "") for outline in outlines]
    colours = {
        name: channels_of_colour(colour if isinstance(colour, str) else colour[name]) for name in {*names} - {""}
    }
    return [{"classification": {"name": name, "color": colours[name]}} if name else {} for name in names]


def channels_of_colour(colour: str) -> list[int]:
    """``#rrggbb`` as red, green and blue from 0 to 255."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise InputError(f"'{colour}' is not a colour; write it as '#rrggbb', such as '#00c8b4'.")
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


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
    columns = {
        measurement_name(name): column
        for name, column in objects.items()
        if name != "label" and np.asarray(column).dtype.kind in "biuf"
    }
    found = []
    for outline in outlines:
        row = row_of[outline.label]
        values = {name: +column[row].item() for name, column in columns.items()}  # true and false as 1 and 0
        found.append({name: value for name, value in values.items() if np.isfinite(value)})
    return found
