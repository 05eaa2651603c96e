"""Objects that may overlap, divided into layers in which none do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from coverslip.core.near import Near
from coverslip.core.region import Region


def layers_of(boxes: Sequence[Region], masks: Sequence[np.ndarray]) -> np.ndarray:
    """In which layer each object lies: the first in which it shares no pixel with one before it.

    Parameters
    ----------
    boxes : sequence of Region
        The rows and columns that each mask fills.
    masks : sequence of ndarray of bool, each (h, w)
        The whole objects.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0, without gaps.
    """
    layers = np.zeros(len(boxes), np.int64)
    near = Near[int](max((max(mask.shape) for mask in masks), default=1))
    for index, box in enumerate(boxes):
        taken = {
            layers[other]
            for other in near.around(box)
            if (shared := box.shared(boxes[other])) and (masks[index][shared[0]] & masks[other][shared[1]]).any()
        }
        layers[index] = next(layer for layer in count() if layer not in taken)
        near.add(box, index)
    return layers
