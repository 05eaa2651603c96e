"""Fields as the optical density of what absorbs their light."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import Image
from coverslip.samples.opening.changed import Changed


class Absorbed(Changed):
    """Fields with ``-ln(I)`` of each pixel: what absorbs one after the other adds up there (Beer and Lambert).

    Integers count from the largest of their kind, other numbers from 1; a pixel without light as half a grey value. Of
    uneven light a smooth background is left, which is added to the densities, too.

    Parameters
    ----------
    fields : Fields
        Images in transmitted light.
    """

    dtype = np.dtype(np.float32)

    def changed(self, pixels: np.ndarray) -> np.ndarray:
        """Densities, float32."""
        largest, smallest = _range(pixels.dtype)
        return np.asarray(-np.log(np.maximum(pixels.astype(np.float32), smallest) / largest), np.float32)

    def stored(self, density: float) -> float:
        """The grey value that has a density, as it is stored."""
        largest, smallest = _range(self._fields.dtype)
        value = largest * float(np.exp(-density))
        if value < 1.5 * smallest:  # no light
            return 0.0
        return float(np.rint(value)) if self._fields.dtype.kind in "iu" else value

    def image(self, index: int) -> Image:
        """The image of densities; nothing is read."""
        stored = self._fields.image(index)
        return replace(stored, dtype=self.dtype, reader=lambda window: self.changed(stored.reader(window)))


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The brightest value, and what counts as no light."""
    return (float(np.iinfo(dtype).max), 0.5) if dtype.kind in "iu" else (1.0, 1e-6)
