"""Outlined objects as labels, to be compared with those of methods that find labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import Detections, InputError, LabelMap
from coverslip.measure.detections.painting import painted

if TYPE_CHECKING:
    from coverslip.models.folder import Model


def segment(
    model: Model, inputs: Any, device: str = "auto", given: Mapping[str, Any] | None = None
) -> Iterator[LabelMap]:
    """The objects of one field after the other, each pixel of the surest one that it lies in.

    Raises
    ------
    InputError
        If the model finds boxes.
    """
    opened = model.open(inputs, **model.facts.get("input", {}))
    for found in model.implementation.predict(model, opened, device=device, **(given or {})):
        yield as_labels(found)


def as_labels(found: Detections) -> LabelMap:
    """Outlined objects as a label map, numbered from the least sure one to the surest, which lies on top.

    Raises
    ------
    InputError
        If they are boxes.
    """
    if found.outlines is None:
        raise InputError(f"{found.source}: its objects are boxes, which have no pixels; fit with target=regions.")
    order = np.argsort(found.score, kind="stable")
    outlines = [found.outlines[int(i)] for i in order]
    labels = painted(outlines, range(1, len(outlines) + 1), found.size)
    return LabelMap(labels, found.source, found.pixel_size, found.provenance)
