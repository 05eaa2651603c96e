"""How a network is shown a field: on what scale of grey values, and how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, Region
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.zoomed import Zoomed


@dataclass(frozen=True)
class View:
    """How a field is shown.

    Parameters
    ----------
    exposure : Exposure
        Its grey values.
    zoom : float
        Pixels shown per pixel of the field, along each axis.
    """

    exposure: Exposure
    zoom: float = 1.0

    def of(self, fields: Fields, index: int) -> Shown:
        """The field, shown so."""
        return Shown(self, fields, index)


class Shown:
    """A field as a network is shown it, read window by window."""

    def __init__(self, view: View, fields: Fields, index: int) -> None:
        self._view, self._fields, self._index = view, fields, index
        self._zoomed = Zoomed(self._both, fields.size(index), view.zoom)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels shown."""
        return self._fields.size(self._index) if self._view.zoom == 1 else self._zoomed.size

    def read(self, region: Region) -> tuple[np.ndarray, np.ndarray | None]:
        """Scaled pixels ``(C, h, w)`` of a region, and which of them hold no image, ``(h, w)``; None: all do."""
        if self._view.zoom == 1:
            return self._view.exposure.read(self._fields, self._index, region)
        *pixels, empty = self._zoomed.pixels(region)
        nowhere = empty > 0.5
        return np.where(nowhere, np.float32(0), self._view.exposure.apply(np.stack(pixels))), nowhere

    def _both(self, region: Region) -> np.ndarray:
        """Stored grey values, and where there is no image."""
        nodata = self._view.exposure.nodata
        if nodata is None:
            pixels, empty = self._fields.pixels(self._index, region), np.zeros((1, region.height, region.width), bool)
        else:
            pixels, where = nodata.read(self._fields, self._index, region)
            empty = where[None]
        return np.concatenate([pixels.astype(np.float32), empty.astype(np.float32)])
