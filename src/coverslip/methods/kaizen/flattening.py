"""Objects that may overlap as one label image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.methods.kaizen.accepting import Proposal
from coverslip.nn.objects import in_one_piece


def flat_labels(size: tuple[int, int], objects: Sequence[Proposal]) -> np.ndarray:
    """A label image in which each pixel is of the object that is surest of it.

    Parameters
    ----------
    size : tuple of int
        Height and width.
    objects : sequence of Proposal
        Numbered from 1 in their order.

    Returns
    -------
    ndarray of int32, shape (H, W)
        0 where there is none. Of an object that others cut apart the largest piece is shown.
    """
    labels, surest = np.zeros(size, np.int32), np.zeros(size, np.float32)
    for number, one in enumerate(objects, start=1):
        best = one.mask & (one.probability > surest[one.place])
        labels[one.place][best] = number
        surest[one.place][best] = one.probability[best]
    return in_one_piece(labels)
