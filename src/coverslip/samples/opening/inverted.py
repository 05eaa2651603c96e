"""Fields whose light and dark are exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Fields, NoDataRule, Region


class Inverted:
    """Fields with the same pixels, light for dark.

    Parameters
    ----------
    fields : Fields
        Unsigned integers are subtracted from the largest of their kind, other numbers from 0.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fields, name)

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def nodata(self) -> NoDataRule:
        """Which pixels hold no image; a value that was said is exchanged, too."""
        rule = self._fields.nodata
        return rule if isinstance(rule, str) else float(_inverted(np.array(rule, self._fields.dtype)))

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Read a field, or a region of it: ``(C, H, W)``, dtype as stored."""
        return _inverted(self._fields.pixels(index, region))


def _inverted(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind == "b":
        return ~pixels
    return np.asarray(np.iinfo(pixels.dtype).max - pixels if pixels.dtype.kind == "u" else -pixels)
