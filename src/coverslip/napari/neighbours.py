"""The neighbours of a sample of an embedding: which they are, a strip of their pictures, and its place in its field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io import open_image
from coverslip.io.layers import Layer, picture_layer, placed
from coverslip.io.paths import resolve_path

_GAP = 2
"""Pixels between pictures."""


def nearest(vectors: np.ndarray, row: int, count: int) -> np.ndarray:
    """The samples most like one, itself first, ``(count + 1,)``: by the distance of their vectors, ``(N, D)``."""
    apart = ((vectors - vectors[row]) ** 2).sum(axis=1)
    apart[row] = -1
    return np.argsort(apart, kind="stable")[: count + 1]


def strip(pictures: np.ndarray, rows: np.ndarray, across: int = 3) -> np.ndarray:
    """Some of the pictures ``(N, h, w, 3)`` side by side, in reading order."""
    height, width = (n + _GAP for n in pictures.shape[1:3])
    down = -(-len(rows) // across)
    out = np.zeros((down * height - _GAP, across * width - _GAP, 3), np.uint8)
    for place, row in enumerate(rows.tolist()):
        y, x = place // across * height, place % across * width
        out[y : y + height - _GAP, x : x + width - _GAP] = pictures[row]
    return out


def in_its_field(features: Mapping[str, Any], row: int, folder: str | Path) -> list[Layer]:
    """The field that a sample was cut from, and a point where it lies.

    Parameters
    ----------
    features : mapping of str to array
        The columns of the embedding.
    row : int
        Which sample.
    folder : str or Path
        What its paths are relative to.

    Raises
    ------
    InputError
        If the embedding does not say where the sample lies, or the field is not there.
    """
    name = next((name for name in ("source_image", "image") if name in features), None)
    if name is None or not {"y_px", "x_px"} <= set(features):
        raise InputError("The embedding does not say where its samples lie (no columns y_px and x_px).")
    field = resolve_path(Path(folder), str(np.asarray(features[name])[row]))
    image = open_image(field)
    layer = picture_layer([image], [field.stem])
    at = [float(np.asarray(features[key])[row]) for key in ("y_px", "x_px")]
    how = {
        "name": f"sample {row}",
        "symbol": "ring",
        "size": 30,
        "face_color": "#ffb000",
        **placed(image.pixel_size, "YX"),
    }
    return [*([layer] if layer else []), (np.array([at]), how, "points")]
