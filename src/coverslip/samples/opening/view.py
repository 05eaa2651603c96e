"""How a network is shown a field: on what scale of grey values, and how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, Region
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.inverted import Inverted
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
    inverted : bool
        Whether light and dark are exchanged; the grey values of the exposure then are, too.
    without : str
        Name of a stain that is taken out of its colours; empty: none is.
    doubts : tuple of str
        Why the network may not be at home there, in words.
    expected_iou : float
        The IoU that it expects of what it found there; NaN: not told.
    """

    exposure: Exposure
    zoom: float = 1.0
    inverted: bool = False
    without: str = ""
    doubts: tuple[str, ...] = ()
    expected_iou: float = float("nan")

    def of(self, fields: Fields, index: int) -> Shown:
        """The field, shown so."""
        return Shown(self, fields, index)


class Shown:
    """A field as a network is shown it, read window by window."""

    def __init__(self, view: View, fields: Fields, index: int) -> None:
        self._view, self._index = view, index
        self._fields = Inverted(fields) if view.inverted else fields
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
        return np.stack(pixels), empty > 0.5

    def _both(self, region: Region) -> np.ndarray:
        """Scaled pixels, and where there is no image."""
        pixels, empty = self._view.exposure.read(self._fields, self._index, region)
        nowhere = np.zeros(pixels.shape[1:]) if empty is None else empty
        return np.concatenate([pixels, nowhere[None]]).astype(np.float32)
