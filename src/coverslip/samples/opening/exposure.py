"""Each field scaled by its own grey values, so that exposure and bit depth do not matter to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import Fields, Region

_WINDOW = 512
_WINDOWS = 64
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
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, fields: Fields, index: int, percentiles: tuple[float, float]) -> Exposure:
        """From the percentiles of a field; of a large one, 64 windows of 512 x 512 pixels spread evenly over it.

        Parameters
        ----------
        fields : Fields
            Where the field is.
        index : int
            Which field.
        percentiles : tuple of float
            The low and the high one, per channel.
        """
        height, width = fields.size(index)
        if height * width <= _WINDOWS * _WINDOW**2:
            return cls.of_pixels(fields.pixels(index).reshape(fields.count, -1), percentiles)
        side = int(_WINDOWS**0.5)
        ys, xs = (np.linspace(0, n - min(_WINDOW, n), side).astype(int) for n in (height, width))
        parts = [
            fields.pixels(index, Region(int(y), int(x), min(_WINDOW, height), min(_WINDOW, width))).reshape(
                fields.count, -1
            )[:, ::4]
            for y in ys
            for x in xs
        ]
        return cls.of_pixels(np.concatenate(parts, axis=1), percentiles)

    @classmethod
    def of_pixels(cls, values: np.ndarray, percentiles: tuple[float, float]) -> Exposure:
        """From pixels ``(C, n)``; a channel without contrast keeps a scale of one grey value."""
        low, high = np.percentile(values, percentiles, axis=1)
        # Where nearly all pixels are equal (one bright spot in the dark), the full range is meant.
        flat = high <= low
        high = np.where(flat, values.max(axis=1), high)
        smallest = 1.0 if values.dtype.kind in "uib" else np.finfo(np.float32).tiny
        return cls(low.astype(np.float32), np.maximum(high, low + smallest).astype(np.float32))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Stored grey values ``(C, H, W)`` to float32 in [0, 1]."""
        scale = (HEADROOM * (self.high - self.low))[:, None, None]
        scaled: Any = (pixels.astype(np.float32) - self.low[:, None, None]) / scale
        return np.asarray(scaled.clip(0, 1), dtype=np.float32)
