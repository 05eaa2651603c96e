"""Detections as files of other programs: GeoJSON for QuPath, COCO JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import UNNAMED, Detections, InputError
from coverslip.io.atomic import atomic_path
from coverslip.io.writing.geojson import channels_of_colour, measurement_name

_IDS = uuid.UUID("b04e3f0a-4a60-5d0b-8f2b-0a2f9b5b1a7d")
"""The space of names that ids of objects are from."""
_GREY = "#94a4a2"


def write_qupath(found: Detections, path: str | Path, colours: Mapping[str, str]) -> Path:
    """Write detections as a GeoJSON FeatureCollection: regions as annotations, then objects as detections.

    Parameters
    ----------
    found : Detections
        Objects without an outline become rectangles.
    path : str or Path
        Ends in ``.geojson``.
    colours : mapping of str to str
        ``#rrggbb`` of each class, those of regions too.

    Returns
    -------
    Path
        The file. Coordinates are pixels of the image at full resolution. Scores, votes and the number of the region are
        measurements. The ids follow from the image and the number of the object, so that objects that are imported
        again take the place of those there.
    """
    path = Path(path)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write('{"type": "FeatureCollection", "features": [')
        first = True
        outlined = found.outlines is not None
        layers = [(found.regions, "annotation")] if found.regions is not None else []
        for layer, kind in (*layers, (found, "annotation" if outlined else "detection")):
            for feature in _features(layer, kind, colours):
                stream.write(("" if first else ",") + "\n" + json.dumps(feature, ensure_ascii=False, allow_nan=False))
                first = False
        stream.write("\n]}\n")
    return path


def _features(found: Detections, kind: str, colours: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    names, stem = found.names, Path(found.source).name
    numbers = {k: c for k, c in found.columns.items() if np.asarray(c).dtype.kind in "biuf"}
    for i in range(len(found)):
        measured = {"Score": float(found.score[i]), **{measurement_name(k): +c[i].item() for k, c in numbers.items()}}
        name = str(names[i])
        properties = {
            "objectType": kind,
            "classification": {"name": name, "color": channels_of_colour(colours.get(name, _GREY))},
            "name": str(i + 1),
            "measurements": {k: v for k, v in measured.items() if np.isfinite(v)},
        }
        number = uuid.uuid5(_IDS, f"{stem}/{kind}/{i + 1}")
        yield {"type": "Feature", "id": str(number), "geometry": _geometry(found, i), "properties": properties}


def _geometry(found: Detections, index: int) -> dict[str, Any]:
    if found.outlines is None:
        x0, y0, x1, y1 = found.boxes[index].round(2).tolist()
        return {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}
    rings = [np.concatenate([ring, ring[:1]]).round(2).tolist() for ring in found.outlines[index]]
    holes = [_is_hole(found.outlines[index], k) for k in range(len(rings))]
    outer = [ring for ring, hole in zip(rings, holes, strict=True) if not hole]
    inner = [ring for ring, hole in zip(rings, holes, strict=True) if hole]
    if len(outer) == 1:
        return {"type": "Polygon", "coordinates": [*outer, *inner]}
    parts: list[list[Any]] = [[ring] for ring in outer]
    for hole in inner:
        at = next((k for k, ring in enumerate(outer) if _inside(np.array(hole[0]), np.array(ring))), 0)
        parts[at].append(hole)
    return {"type": "MultiPolygon", "coordinates": parts}


def _is_hole(rings: Sequence[np.ndarray], index: int) -> bool:
    """Whether a ring lies in an odd number of the others."""
    return sum(_inside(rings[index][0], ring) for k, ring in enumerate(rings) if k != index) % 2 == 1


def _area(rings: Sequence[np.ndarray]) -> float:
    """Pixels in an outline; holes taken off."""
    found = 0.0
    for k, (x, y) in enumerate(ring.T for ring in rings):
        area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
        found += -area if _is_hole(rings, k) else area
    return found


def _inside(point: np.ndarray, ring: np.ndarray) -> bool:
    from skimage.measure import points_in_poly

    return bool(points_in_poly(point[None], ring)[0])


def write_coco(found: Sequence[Detections], path: str | Path, names: Sequence[str]) -> Path:
    """Write detections of some images as one COCO JSON, with scores; objects without a class are left out.

    Parameters
    ----------
    found : sequence of Detections
        All with the same classes.
    path : str or Path
        Ends in ``.json``.
    names : sequence of str
        What each image is called in the file.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        raise InputError(f"{path} should end in .json, because that is what is written.")
    classes = list(found[0].classes)
    content: dict[str, Any] = {
        "images": [
            {"id": i + 1, "file_name": name, "height": one.size[0], "width": one.size[1]}
            for i, (one, name) in enumerate(zip(found, names, strict=True))
        ],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(classes)],
        "annotations": coco_annotations(found),
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
    return path


def coco_annotations(found: Sequence[Detections]) -> list[dict[str, Any]]:
    """The objects of some images as COCO has them; images and classes are numbered from 1."""
    rows: list[dict[str, Any]] = []
    for image, one in enumerate(found, 1):
        sides = one.boxes[:, 2:] - one.boxes[:, :2]
        for i in np.flatnonzero(one.named).tolist():
            rings = [] if one.outlines is None else [ring.ravel().round(2).tolist() for ring in one.outlines[i]]
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": image,
                    "category_id": int(one.codes[i]) + 1,
                    "bbox": [*one.boxes[i, :2].tolist(), *sides[i].tolist()],
                    "area": float(sides[i].prod()) if one.outlines is None else _area(one.outlines[i]),
                    "iscrowd": 0,
                    "score": float(one.score[i]),
                    **({"segmentation": rings} if rings else {}),
                }
            )
    return rows


def colours_of(classes: Sequence[str], palette: Sequence[str]) -> dict[str, str]:
    """A colour for each class, and grey for objects without one."""
    return {**dict(zip(classes, palette, strict=True)), UNNAMED: _GREY}
