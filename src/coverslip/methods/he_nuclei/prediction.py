"""Find the nuclei of sections with a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from coverslip.core import Fields, Fitted, LabelMap
from coverslip.methods.he_nuclei.inference import Segmenter
from coverslip.nn.tiles import paste


def predict(fitted: Fitted, fields: Fields, *, device: str = "auto", **options: Any) -> Iterator[LabelMap]:
    """Find the nuclei of fields one after the other.

    Parameters
    ----------
    fitted : Fitted
        A fitted model.
    fields : Fields
        RGB images of any size.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    **options
        Those of `Segmenter`.

    Yields
    ------
    LabelMap
        With the mixed map as probability.
    """
    segmenter = Segmenter(fitted, device=device, **options)
    for index in range(len(fields)):
        size = fields.size(index)
        sight = segmenter.view(fields, index)
        labels, mixed = np.zeros(size, np.int32), np.empty(size, np.float32)
        count = 0
        for block in segmenter.blocks(size):
            found = segmenter.objects(fields, index, block, sight)
            count += paste(labels[found.block.window.slices], found.labels, count + 1)
            mixed[block.core.slices] = found.probability[found.block.inside()]
        nodata = sight.exposure.nodata
        facts = {} if nodata is None else {"nodata": list(nodata.value)}
        yield LabelMap(
            labels,
            fields.name(index),
            fields.image(index).pixel_size,
            facts,
            probability=mixed,
            zoom=sight.zoom,
            without=sight.without,
        )
