"""Each field scaled by its own grey values, so that exposure and bit depth do not matter to a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from coverslip.core import Fields, Region
from coverslip.samples.opening.continued import REACH, continued
from coverslip.samples.opening.looks import looks
from coverslip.samples.opening.nodata import NoData, statistics_mask

_EVERY = 4
"""Of the windows of a large field every so many-th pixel counts."""
HEADROOM = 2.0
"""How many times as bright as the high percentile a pixel may be and still be told from brighter ones."""


@dataclass(frozen=True)
class Exposure:
    """The grey values of one field that become 0 and 1/2.

    ``y = (x - low) / (2 (high - low))``, clipped to [0, 1]: what is up to twice as bright as the high percentile is
    still told apart.

    Parameters
    ----------
    low, high : ndarray, shape (C,)
        Stored grey values, ``high > low``.
    nodata : NoData or None
        Areas that hold no image.
    middle : ndarray, shape (C,)
        The median, which is put far inside such areas.
    """

    low: np.ndarray
    high: np.ndarray
    nodata: NoData | None = None
    middle: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        fields: Fields,
        index: int,
        percentiles: tuple[float, float],
        seen: Sequence[tuple[Region, np.ndarray]] | None = None,
    ) -> Exposure:
        """From the percentiles of a field; of a large one, 64 windows of 512 x 512 pixels spread evenly over it.

        Areas that hold no image do not count (see `NoData`).

        Parameters
        ----------
        fields : Fields
            Where the field is.
        index : int
            Which field.
        percentiles : tuple of float
            The low and the high one, per channel.
        seen : sequence of (Region, ndarray), optional
            Parts of the field that are in memory already, to be looked at instead; default: `looks`.
        """
        seen = list(looks(fields, index)) if seen is None else seen
        nodata = NoData.of(fields, index, seen)
        every = 1 if len(seen) == 1 else _EVERY
        flat = [pixels.reshape(fields.count, -1)[:, ::every] for _, pixels in seen]
        if nodata is not None:
            size = fields.size(index)
            counted = [statistics_mask(nodata.where(pixels, region, size)).ravel()[::every] for region, pixels in seen]
            if any(part.any() for part in counted):
                flat = [values[:, part] for values, part in zip(flat, counted, strict=True)]
        values = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)
        found = cls.of_pixels(values, percentiles)
        return found if nodata is None else replace(found, nodata=nodata, middle=np.median(values, axis=1))

    @classmethod
    def of_pixels(cls, values: np.ndarray, percentiles: tuple[float, float]) -> Exposure:
        """From pixels ``(C, n)``; a channel without contrast keeps a scale of one grey value."""
        if values.dtype == np.float16:  # whose percentiles are rounded to three digits
            values = values.astype(np.float32)
        low, high = np.percentile(values, percentiles, axis=1)
        # Where nearly all pixels are equal (one bright spot in the dark), the full range is meant.
        flat = high <= low
        high = np.where(flat, values.max(axis=1), high)
        smallest = 1.0 if values.dtype.kind in "uib" else np.finfo(np.float32).tiny
        return cls(low.astype(np.float32), np.maximum(high, low + smallest).astype(np.float32))

    def read(self, fields: Fields, index: int, region: Region) -> tuple[np.ndarray, np.ndarray | None]:
        """The scaled pixels of a region of the field, and which of them hold no image, ``(H, W)``; None: all do.

        Where there is none the image is continued, the same for every way to cut the field into regions.
        """
        if self.nodata is None or self.middle is None:
            return self.apply(fields.pixels(index, region)), None
        height, width = fields.size(index)
        wide = region.grown(REACH, height, width)
        pixels, empty = self.nodata.read(fields, index, wide)
        own = Region(region.y - wide.y, region.x - wide.x, region.height, region.width).slices
        return self.apply(continued(pixels, empty, self.middle)[:, *own]), empty[own]

    def empty(self, fields: Fields, index: int, region: Region) -> np.ndarray:
        """Which pixels of a region of the field hold no image, ``(H, W)`` bool."""
        if self.nodata is None or self.middle is None:
            return np.zeros((region.height, region.width), bool)
        return self.nodata.read(fields, index, region)[1]

    def filled(self, pixels: np.ndarray) -> np.ndarray:
        """A whole field ``(C, H, W)``, continued where it holds no image; dtype as stored."""
        if self.nodata is None or self.middle is None:
            return pixels
        size = (pixels.shape[1], pixels.shape[2])
        empty = self.nodata.where(pixels, Region(0, 0, *size), size)
        return np.where(empty, continued(pixels, empty, self.middle).astype(pixels.dtype), pixels)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Stored grey values ``(C, H, W)`` to float32 in [0, 1]."""
        scale = (HEADROOM * (self.high - self.low))[:, None, None]
        scaled: Any = (pixels.astype(np.float32) - self.low[:, None, None]) / scale
        return np.asarray(scaled.clip(0, 1), dtype=np.float32)
