"""Fields as the optical density of what absorbs their light."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import Fields, Image, NoDataRule, Region


class Absorbed:
    """Fields with ``-ln(I)`` of each pixel: what absorbs one after the other adds up there (Beer and Lambert).

    Unsigned integers count from the largest of their kind, other numbers from 1; a pixel without light as half a grey
    value. Of uneven light a smooth background is left, which is added to the densities, too.

    Parameters
    ----------
    fields : Fields
        Images in transmitted light.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fields, name)

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def nodata(self) -> NoDataRule:
        """Which pixels hold no image; a value that was said becomes its density, too."""
        rule = self._fields.nodata
        return rule if isinstance(rule, str) else float(_density(np.array(rule, self._fields.dtype)))

    def stored(self, density: float) -> float:
        """The grey value that has a density, as it is stored."""
        largest, _ = _range(self._fields.dtype)
        value = largest * float(np.exp(-density))
        return float(np.rint(value - 0.01)) if largest > 1 else value

    def image(self, index: int) -> Image:
        """The image of densities; nothing is read."""
        stored = self._fields.image(index)
        return replace(stored, dtype=self.dtype, reader=lambda window: _density(stored.reader(window)))

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Densities of a field, or a region of it: ``(C, H, W)`` float32."""
        return _density(self._fields.pixels(index, region))


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    return (float(np.iinfo(dtype).max), 0.5) if dtype.kind in "iu" else (1.0, 1e-6)


def _density(pixels: np.ndarray) -> np.ndarray:
    largest, smallest = _range(pixels.dtype)
    return np.asarray(-np.log(np.maximum(pixels.astype(np.float32), smallest) / largest), np.float32)
