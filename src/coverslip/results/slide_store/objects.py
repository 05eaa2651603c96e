"""What a segmenter of nuclei loses: objects found in decoded squares against those of the original ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.fields import ArrayFields
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from coverslip.models.folder import Model
from coverslip.models.loading import load
from coverslip.results.slide_store.comparing import Compared


def agreement(found: Compared, segmenter: Model | str) -> dict[str, np.ndarray]:
    """How far the objects of decoded squares are those of the original ones.

    Parameters
    ----------
    found : Compared
    segmenter : Model or str
        A model that finds objects in RGB images, or its name.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        ``AJI`` of the objects after against those before; ``objects, after / before``, NaN where there were none.

    Raises
    ------
    InputError
        If the model finds no objects.
    """
    model = load(segmenter) if isinstance(segmenter, str) else segmenter
    before, after = (_objects(model, pixels) for pixels in (found.before, found.after))
    counts = np.array([[len(np.unique(each)) - 1 for each in side] for side in (before, after)], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counts[0] > 0, counts[1] / counts[0], np.nan)
    aji = [aggregated_jaccard(overlap(truth, found)) for truth, found in zip(before, after, strict=True)]
    return {"AJI": np.array(aji), "objects, after / before": ratio}


def _objects(model: Model, squares: np.ndarray) -> list[np.ndarray]:
    from coverslip import results

    kind = results.get(model.gives)
    if "segment" not in kind.verbs:
        raise InputError(f"The model gives {kind.given}, not objects; name one that finds nuclei, such as he-nuclei.")
    fields: Any = ArrayFields([np.ascontiguousarray(each.transpose(2, 0, 1)) for each in squares])
    return [np.asarray(each.labels) for each in kind.verb("segment")(model, fields, "cpu")]
