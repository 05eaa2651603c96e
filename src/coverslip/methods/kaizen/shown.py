"""The light of a field at another size, and objects that were found there, brought back to the field's own."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import ndimage

from coverslip.core import Fields, Region
from coverslip.methods.kaizen.accepting import Proposal
from coverslip.methods.kaizen.light import Light
from coverslip.nn.objects import in_one_piece
from coverslip.samples.opening.zoomed import Zoomed, spread


@dataclass(frozen=True)
class Shown:
    """A field as the generator is shown it, read window by window.

    Parameters
    ----------
    light : Light
        Of the field.
    fields, index
        Which field.
    zoom : float
        Pixels shown per pixel of the field, along each axis.
    """

    light: Light
    fields: Fields
    index: int
    zoom: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels shown."""
        return self.fields.size(self.index) if self.zoom == 1 else self._zoomed.size

    @property
    def noise(self) -> float:
        """Of single pixels, such that the noise of a mean over a box is that over the same place of the field."""
        return self.light.background.noise / self.light.unit * self.zoom

    def read(self, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Light of a region, ``(h, w)`` float32, and which pixels hold an image, bool."""
        if self.zoom == 1:
            return self.light.read_free(self.fields, self.index, region)
        light, free = self._zoomed.pixels(region)
        free = free > 0.5
        light[~free] = 0
        return light, free

    @property
    def _zoomed(self) -> Zoomed:
        return Zoomed(self._both, self.fields.size(self.index), self.zoom)

    def _both(self, region: Region) -> np.ndarray:
        light, free = self.light.read_free(self.fields, self.index, region)
        return np.stack([light, free.astype(np.float32)])


def brought_back(one: Proposal, zoom: float, size: tuple[int, int], mask: float) -> Proposal | None:
    """An object that was found in a field shown at a zoom, in the field's own pixels; None if it has none there.

    Parameters
    ----------
    one : Proposal
        In pixels shown.
    zoom : float
        Pixels shown per pixel of the field.
    size : tuple of int
        Height and width of the field.
    mask : float
        Probability from which a pixel is of the object.
    """
    inside = np.pad(one.mask, 1)
    around = Region(one.top - 1, one.left - 1, *inside.shape)
    own = ndimage.binary_dilation(inside, np.ones((3, 3)))
    spans = [
        (max(int(start / zoom), 0), min(ceil(stop / zoom), length))
        for start, stop, length in zip((around.y, around.x), (around.stop_y, around.stop_x), size, strict=True)
    ]
    (y, stop_y), (x, stop_x) = spans
    onto = Region(y, x, stop_y - y, stop_x - x)
    probability = spread(np.where(own, np.pad(one.probability, 1, mode="edge"), 0), around, onto, zoom)
    shape = in_one_piece(probability >= mask)
    rows, columns = np.flatnonzero(shape.any(1)), np.flatnonzero(shape.any(0))
    if not len(rows):
        return None
    # Beside the object there is no light of it: what is interpolated is the mean of the pixels inside alone.
    light = spread(np.pad(one.light, 1), around, onto, zoom) / np.maximum(spread(inside, around, onto, zoom), 1e-3)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return one._replace(
        top=onto.y + int(rows[0]),
        left=onto.x + int(columns[0]),
        probability=probability[box].astype(np.float32),
        mask=shape[box],
        light=np.where(shape, light, 0)[box].astype(np.float32),
    )
