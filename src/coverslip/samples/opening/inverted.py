"""Fields whose light and dark are exchanged."""

from __future__ import annotations

import numpy as np

from coverslip.samples.opening.changed import Changed


class Inverted(Changed):
    """Fields with the same pixels, light for dark.

    Parameters
    ----------
    fields : Fields
        Unsigned integers are subtracted from the largest of their kind, other numbers from 0.
    """

    def changed(self, pixels: np.ndarray) -> np.ndarray:
        """Light for dark, dtype as stored."""
        if pixels.dtype.kind == "b":
            return ~pixels
        return np.asarray(np.iinfo(pixels.dtype).max - pixels if pixels.dtype.kind == "u" else -pixels)
