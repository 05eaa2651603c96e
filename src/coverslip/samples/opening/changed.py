"""Fields whose pixels are changed as they are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from coverslip.core import Fields, NoDataRule, Region


class Changed(ABC):
    """Other fields with changed pixels; all else is as it is there."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fields, name)

    def __len__(self) -> int:
        return len(self._fields)

    @abstractmethod
    def changed(self, pixels: np.ndarray) -> np.ndarray:
        """The pixels as they are shown, of stored ones."""

    @property
    def nodata(self) -> NoDataRule:
        """Which pixels hold no image; a value that was said is changed, too."""
        rule = self._fields.nodata
        return rule if isinstance(rule, str) else float(self.changed(np.array(rule, self._fields.dtype)))

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Read a field, or a region of it: ``(C, H, W)``."""
        return self.changed(self._fields.pixels(index, region))
