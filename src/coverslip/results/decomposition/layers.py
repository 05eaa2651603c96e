"""Decompositions as layers of napari: the image, how it is explained, what is left, and every object whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import Decomposition
from coverslip.io.layers import Layer, features_of, placed, size_of_all, stacked
from coverslip.io.writing.outlines import trace_outlines
from coverslip.results.decomposition.folder import read_decomposition
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.layers import labels_layer, picture_of


def layers(result: LabelFolder | Decomposition) -> list[Layer]:
    """The layers of decompositions: images, explained and left over, labels at each depth, whole outlines.

    Parameters
    ----------
    result : LabelFolder or Decomposition
        As opened, or as predicted (without the image, which napari has then). Objects in one depth share no pixel; the
        outlines, one for each object with its table beside it, may cross.
    """
    if isinstance(result, Decomposition):
        return _explained([result], None)
    pictures = picture_of(result)
    found = [read_decomposition(result, i) for i in range(len(result))]
    flat = labels_layer(result)
    flat[1]["visible"] = False
    left = None if pictures is None else [_left(result, i, one) for i, one in enumerate(found)]
    return [*([pictures] if pictures else []), *_explained(found, left), flat]


def _left(result: LabelFolder, index: int, found: Decomposition) -> np.ndarray:
    """What the objects and the background leave of an image."""
    from coverslip.io.images.opening import open_image

    file = result.file(index, "error")
    if file is not None and file.exists():
        return open_image(file).read()
    return np.zeros(found.labels.shape, np.float32)


def _explained(found: Sequence[Decomposition], left: Sequence[np.ndarray] | None) -> list[Layer]:
    size = tuple(max(one.labels.shape[axis] for one in found) for axis in (0, 1))
    one_alone = len(found) == 1
    where = placed(size_of_all([one.pixel_size for one in found]), "YX" if one_alone else "IYX")

    def put(pixels: Sequence[np.ndarray], dtype: Any) -> Any:
        return pixels[0].astype(dtype) if one_alone else stacked(pixels, size, dtype)

    made: list[Layer] = [(put([one.internal for one in found], np.float32), {"name": "explained", **where}, "image")]
    made[0][1]["visible"] = False
    if left is not None:
        most = max(float(np.abs(one).max(initial=0)) for one in left) or 1.0
        how = {"name": "left over", "colormap": "PiYG", "contrast_limits": [-most, most], "visible": False}
        made.append((put(left, np.float32), {**how, **where}, "image"))
    labels = [one.layers()[0] for one in found]
    for depth in range(max(len(one) for one in labels)):
        here = [one[depth] if depth < len(one) else np.zeros(one.shape[1:], np.int32) for one in labels]
        settings: dict[str, Any] = {"name": f"objects, depth {depth + 1}", **where}
        if one_alone:
            settings["features"] = features_of(found[0].objects, "object")
        made.append((put(here, np.int32), settings, "labels"))
    return [*made, _outlines(found, labels, where)]


def _outlines(found: Sequence[Decomposition], labels: Sequence[np.ndarray], where: Mapping[str, Any]) -> Layer:
    """The whole outline of each object, also under others, with the table of the objects."""
    rings: list[np.ndarray] = []
    tables: list[dict[str, np.ndarray]] = []
    for i, (one, depths) in enumerate(zip(found, labels, strict=True)):
        row_of = {number: row for row, number in enumerate(one.objects["object"].tolist())}
        rows = []
        for outline in trace_outlines(depths):
            outer = outline.parts[0][0][:, ::-1] - 0.5  # the centre of the first pixel is 0, 0
            rings.append(outer if len(found) == 1 else np.insert(outer, 0, i, axis=1))
            rows.append(row_of[outline.label])
        tables.append({name: np.asarray(column)[rows] for name, column in one.objects.items()})
    features = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    settings = {
        "name": "objects, whole outlines",
        "shape_type": "polygon",
        "features": features,
        "face_color": "transparent",
        "edge_color": "#5cf08a",
        "edge_width": 1,
        "visible": False,
        **where,
    }
    return rings, settings, "shapes"
