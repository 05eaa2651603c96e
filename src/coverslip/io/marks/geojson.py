"""Boxes, points and outlines as QuPath exports them: GeoJSON in pixels of the image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Marks
from coverslip.core.marks import Rings, box_of

UNNAMED = "object"
"""The class of marks that have none."""


def geojson_marks(content: Any, path: Path) -> Marks:
    """The marks of a GeoJSON file; the class is that of QuPath's classification, or the property ``class``.

    Raises
    ------
    InputError
        If it is none, or holds points among outlines.
    """
    features = features_of(content, path)
    rings: list[Rings] = []
    points: list[np.ndarray] = []
    names: list[str] = []
    for number, feature in enumerate(features, 1):
        try:
            geometry, name = feature["geometry"], _name(feature.get("properties") or {})
            found = _rings(geometry)
            dots = _points(geometry)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(f"{path}: feature {number} is not as GeoJSON has it; export it again.") from None
        if not found and not len(dots):
            kind = geometry.get("type")
            raise InputError(f"{path}: feature {number} is a {kind}; mark areas or points, or delete it.")
        rings += [found] if found else []
        points += list(dots)
        names += [name] * (bool(found) + len(dots))
    if rings and points:
        raise InputError(f"{path} holds points among outlines; export them as two files.")
    if points:
        dots = np.stack(points)
        return Marks(np.concatenate([dots, dots], axis=1), np.array(names, object), points=True)
    if not rings:
        return Marks.none(outlined=True)
    return Marks(np.stack([box_of(each) for each in rings]), np.array(names, object), tuple(rings))


def features_of(content: Any, path: Path) -> list[Any]:
    """The features of a GeoJSON, as they stand there.

    Raises
    ------
    InputError
        If it is none.
    """
    features = content.get("features") if isinstance(content, Mapping) else content
    if isinstance(content, Mapping) and content.get("type") == "Feature":
        features = [content]
    if not isinstance(features, list):
        raise InputError(f"{path} is neither GeoJSON nor COCO; export objects as GeoJSON from QuPath.")
    return features


def _name(properties: Mapping[str, Any]) -> str:
    found = properties.get("classification") or properties.get("class") or UNNAMED
    if isinstance(found, Mapping):
        found = found.get("name") or ": ".join(found.get("names") or ()) or UNNAMED
    return str(found)


def _rings(geometry: Mapping[str, Any]) -> Rings:
    parts = {"Polygon": lambda c: [c], "MultiPolygon": lambda c: c}.get(geometry["type"], lambda c: [])(
        geometry["coordinates"]
    )
    found = []
    for part in parts:
        for ring in part:
            corners = np.asarray(ring, np.float64)[:, :2]
            found.append(corners[:-1] if len(corners) > 1 and (corners[0] == corners[-1]).all() else corners)
    return tuple(found)


def _points(geometry: Mapping[str, Any]) -> np.ndarray:
    if geometry["type"] not in ("Point", "MultiPoint"):
        return np.zeros((0, 2))
    return np.asarray(geometry["coordinates"], np.float64).reshape(-1, np.shape(geometry["coordinates"])[-1])[:, :2]
