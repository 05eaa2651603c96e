"""Labels that were corrected by hand, saved so that the result they are of stays whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import InputError, LabelMap, PixelSize, Written
from coverslip.core.words import number_of
from coverslip.measure import object_table
from coverslip.results.labels.writer import write_label_file


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write the labels of one image as ``.labels.tif``, with the table of its objects beside it.

    Parameters
    ----------
    path : str
        Where to.
    data : array of int, shape (H, W)
    attributes : mapping
        Of the layer: ``scale`` and ``units``, and where the labels are from.

    Returns
    -------
    list of str
        What was written; nothing where these are no labels of one image.
    """
    labels = np.asarray(data)
    if labels.ndim != 2:
        raise InputError(
            f"These are labels of {labels.shape[0]} images; the panel 'Save corrected labels' writes them into the "
            "result they are of."
        )
    noted = noted_in(attributes)
    size = pixel_size_of(attributes)
    source = str(noted.get("source") or attributes.get("name", "labels"))
    labelled = LabelMap(labels.astype(np.int32), source, size, dict(noted.get("provenance") or {}))
    file = write_label_file(labelled, path, object_table(labelled.labels, pixel_size=size))
    return [str(file)]


def save_corrected(data: Any, attributes: Mapping[str, Any]) -> Written:
    """Write corrected labels into the result they were read from; its table, counts and pictures follow.

    Raises
    ------
    InputError
        If they were not read from a result, or do not fit it.
    """
    noted = noted_in(attributes)
    if not noted.get("result"):
        raise InputError(
            "These labels were not read from a result; save them as a .labels.tif (File, Save Selected Layers)."
        )
    kind, found = results.opened(noted["result"])
    pixels = np.asarray(data)
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    sizes = noted["sizes"]
    if len(pixels) != len(sizes):
        raise InputError(f"{noted['result']} has {number_of(len(sizes), 'image')}, but the layer {len(pixels)}.")
    whole = [one[:height, :width] for one, (height, width) in zip(pixels, sizes, strict=True)]
    written: Written = kind.verb("correct")(found, whole)
    return written


def noted_in(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reader of ours, or a panel, noted in a layer."""
    noted = (attributes.get("metadata") or {}).get("coverslip")
    return noted if isinstance(noted, Mapping) else {}


def pixel_size_of(attributes: Mapping[str, Any]) -> PixelSize | None:
    """The size of the pixels of a layer, where its units are lengths."""
    scale, units = attributes.get("scale"), attributes.get("units")
    if scale is None or units is None or len(scale) < 2:
        return None
    factors = {"micrometer": 1.0, "micron": 1.0, "um": 1.0, "µm": 1.0, "nanometer": 1e-3, "nm": 1e-3}
    factors |= {"millimeter": 1e3, "mm": 1e3}
    y, x = (factors.get(str(unit)) for unit in list(units)[-2:])
    return None if y is None or x is None else PixelSize(float(scale[-2]) * y, float(scale[-1]) * x)
