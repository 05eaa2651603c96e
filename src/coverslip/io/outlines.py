"""Objects that other programs keep as outlines, filled in: GeoJSON of QuPath, ROIs of ImageJ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.reasons import reason

Ring = np.ndarray
"""Corners of an outline, x and y, ``(n, 2)``: (0, 0) is the upper left corner of the first pixel."""


def read_outlines(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Fill the outlines in a file.

    Parameters
    ----------
    path : Path
        A ``.geojson`` or ``.json`` with polygons, a ``.roi``, or a ``.zip`` of such.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray of int, shape (H, W)
        A pixel belongs to an object if its centre lies inside. Objects are numbered as they are named where all
        names are different whole numbers (as in files that Coverslip wrote), else in the order of the file; where
        they overlap the later one wins.

    Raises
    ------
    InputError
        If the file is damaged, holds other things than areas, or objects that lie outside the image altogether.
    """
    read = _geojson if path.suffix.lower() in (".geojson", ".json") else _rois
    try:
        objects = list(read(path))
    except InputError:
        raise
    except Exception as error:  # whatever a damaged file leads to
        raise InputError(
            f"{path} holds no outlines that can be read ({reason(error)}); export the objects again."
        ) from error
    labels = np.zeros(shape, np.uint32)
    for number, (_, rings) in zip(_numbers([name for name, _ in objects]), objects, strict=True):
        if not fill(labels, rings, number):
            raise InputError(
                f"{path} has an object that lies outside the {shape[0]} x {shape[1]} pixels of the image, or covers "
                "none; give the outlines that were drawn on this image, in pixels."
            )
    return labels


def _numbers(names: list[str]) -> list[int]:
    own = [int(name) for name in names if name.isdecimal() and 0 < int(name) < 2**32]
    return own if len(set(own)) == len(names) else list(range(1, len(names) + 1))


def fill(labels: np.ndarray, rings: list[Ring], number: int) -> bool:
    """Give the pixels inside an odd number of rings a number; whether there were any."""
    from skimage.draw import polygon

    corners = np.concatenate(rings)
    if not np.isfinite(corners).all():
        return False
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)), labels.shape[::-1]).astype(int)
    if (high <= low).any():
        return False
    inside = np.zeros((high - low)[::-1], bool)
    for ring in rings:
        x, y = (ring - low - 0.5).T  # centres of pixels become whole numbers
        inside[polygon(y, x, inside.shape)] ^= True
    labels[low[1] : high[1], low[0] : high[0]][inside] = number
    return bool(inside.any())


def _geojson(path: Path) -> Iterator[tuple[str, list[Ring]]]:
    said = json.loads(path.read_text(encoding="utf-8"))
    features = said.get("features", [said]) if isinstance(said, dict) else said
    for feature in features:
        geometry = feature.get("geometry") or feature
        polygons = {"Polygon": lambda c: [c], "MultiPolygon": list}.get(geometry["type"])
        if polygons is None:
            raise InputError(f"{path} holds a {geometry['type']}, which is no area; keep polygons only.")
        rings = [np.array(ring, float)[:, :2] for polygon in polygons(geometry["coordinates"]) for ring in polygon]
        yield str((feature.get("properties") or {}).get("name", "")), rings


def _rois(path: Path) -> Iterator[tuple[str, list[Ring]]]:
    from roifile import ROI_TYPE, roiread

    areas = (ROI_TYPE.POLYGON, ROI_TYPE.RECT, ROI_TYPE.OVAL, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)
    found: Any = roiread(path)
    for roi in found if isinstance(found, list) else [found]:
        if roi.roitype not in areas:
            raise InputError(f"{path} holds a {roi.roitype.name.lower()} ('{roi.name}'), which is no area; delete it.")
        yield roi.name, roi.coordinates(multi=True)
