"""Labels as layers of napari: the images, and the labels upon them with the table of their objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap
from coverslip.io.layers import Layer, features_of, picture_layer, placed, size_of_all, stacked
from coverslip.results.labels.folder import LabelFolder, objects_name
from coverslip.results.labels.objects import objects_of
from coverslip.results.labels.summaries import image_name


def layers(result: LabelFolder | LabelMap) -> list[Layer]:
    """The layers of a result made of label images, the images first; of several images there is a slider.

    Parameters
    ----------
    result : LabelFolder or LabelMap
        As opened, or as predicted. The labels' ``metadata["coverslip"]`` says where they are from, so that corrected
        ones can be written back.
    """
    if isinstance(result, LabelMap):
        settings = {"name": objects_name(result.provenance), **placed(result.pixel_size, "YX")}
        noted = {"source": result.source, "provenance": dict(result.provenance)}
        return [(result.labels, {**settings, "metadata": {"coverslip": noted}}, "labels")]
    pictures = picture_of(result)
    return [*([pictures] if pictures else []), labels_layer(result)]


def picture_of(found: LabelFolder) -> Layer | None:
    """The images of a result; None where they are not there any more."""
    opened: list[Image] = []
    for i in range(len(found)):
        try:
            opened.append(found.image(i))
        except InputError:
            return None
    return picture_layer(opened, [image_name(found, i) for i in range(len(found))])


def labels_layer(found: LabelFolder) -> Layer:
    """The labels of all images of a result."""
    read = [found.labels(i) for i in range(len(found))]
    sizes = [one.labels.shape for one in read]
    size = (max(height for height, _ in sizes), max(width for _, width in sizes))
    settings: dict[str, Any] = {"name": objects_name(found.provenance)}
    if len(read) == 1:
        data, axes = read[0].labels.astype(np.int32), "YX"
        settings["features"] = features_of(objects_of(found, None, []))
    else:
        data, axes = stacked([one.labels for one in read], size, np.int32), "IYX"
    noted = {
        "result": str(found.path.absolute()),
        "sizes": sizes,
        "images": [image_name(found, i) for i in range(len(found))],
    }
    settings |= placed(size_of_all([one.pixel_size for one in read]), axes)
    return data, {**settings, "metadata": {"coverslip": noted}}, "labels"
