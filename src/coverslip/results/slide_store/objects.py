"""What a segmenter of nuclei loses: objects found in decoded squares against those of the original ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.fields import ArrayFields
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from coverslip.models.loading import load
from coverslip.results.slide_store.comparing import Compared

Segment = Callable[[np.ndarray], list[np.ndarray]]
"""Label images of squares ``(N, H, W, 3)`` of uint8."""


def agreement(found: Compared, segment: Segment) -> dict[str, np.ndarray]:
    """How far the objects of decoded squares are those of the original ones.

    Parameters
    ----------
    found : Compared
    segment : callable
        Finds objects.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        ``AJI`` of the objects after against those before; ``objects, after / before``, NaN where there were none.
    """
    before, after = segment(found.before), segment(found.after)
    counts = np.array([[np.count_nonzero(np.unique(each)) for each in side] for side in (before, after)], float)
    ratio = np.divide(counts[1], counts[0], out=np.full(len(before), np.nan), where=counts[0] > 0)
    aji = [aggregated_jaccard(overlap(truth, found)) for truth, found in zip(before, after, strict=True)]
    return {"AJI": np.array(aji), "objects, after / before": ratio}


def segmenter(name: str) -> Segment:
    """What finds objects with a model.

    Raises
    ------
    InputError
        If the model finds none.
    """
    from coverslip import results

    model = load(name)
    kind = results.get(model.gives)
    if "segment" not in kind.verbs:
        raise InputError(f"{name} gives {kind.given}, not objects; name a model that finds nuclei, such as he-nuclei.")

    def segment(squares: np.ndarray) -> list[np.ndarray]:
        fields: Any = ArrayFields([np.ascontiguousarray(each.transpose(2, 0, 1)) for each in squares])
        return [np.asarray(each.labels) for each in kind.verb("segment")(model, fields, "cpu")]

    return segment
