"""The light that is there without objects: an offset and a smooth gradient, and its noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, Region
from coverslip.samples.opening.nodata import NoData, statistics_mask

_BLOCKS = 24
"""Blocks along the longer side that the background is looked for in."""
_LOW = 0.2
_LOW_SIGMAS = 0.8416
"""The 20th percentile of a normal distribution lies so many standard deviations below its mean."""
_ROUNDS = 30
_TOLERANCE = 3.0
_WINDOW = 128
"""Of larger blocks only so many rows and columns are looked at."""
_WHOLE = 4096**2
_ROWS = 256
_ENOUGH = 0.25
"""Of a block at least this share must be image."""


@dataclass(frozen=True)
class Background:
    """A quadratic surface of grey values over one channel of an image.

    Parameters
    ----------
    size : tuple of int
        Height and width of the image.
    coefficients : ndarray, shape (6,)
        Of ``1, y, x, y², yx, x²``, where rows and columns run from -1 to 1.
    noise : float
        Standard deviation of single pixels around the surface where there is no object, grey values.
    """

    size: tuple[int, int]
    coefficients: np.ndarray
    noise: float

    @classmethod
    def of(cls, fields: Fields, index: int, nodata: NoData | None = None) -> Background:
        """Fit it to the first channel of a field; of one larger than memory, to 576 windows spread evenly over it.

        Areas that hold no image are left out.
        """
        size = fields.size(index)

        def read(region: Region) -> np.ndarray:
            if nodata is None:
                return fields.pixels(index, region)[0]
            pixels, empty = nodata.read(fields, index, region)
            return np.where(statistics_mask(empty), pixels[0].astype(np.float32), np.nan)

        rounded = fields.image(index).dtype.kind in "iu"
        if size[0] * size[1] > _WHOLE:
            return cls._of(size, read, rounded)
        pixels = read(Region(0, 0, *size))
        return cls._of(size, lambda region: pixels[region.slices], rounded)

    @classmethod
    def of_pixels(cls, pixels: np.ndarray) -> Background:
        """Fit it to an image ``(H, W)``.

        The image is cut into blocks; a low percentile of each is the background there, or is too high where objects
        fill the block. A surface is fitted with ever less weight on blocks above it, and then follows the others.
        """
        rounded = pixels.dtype.kind in "iu"
        return cls._of((pixels.shape[0], pixels.shape[1]), lambda region: pixels[region.slices], rounded)

    @classmethod
    def _of(cls, size: tuple[int, int], read: Callable[[Region], np.ndarray], rounded: bool) -> Background:
        """Fit it to what `read` gives of regions; NaN is where there is no image."""
        side = max(8, -(-max(size) // _BLOCKS))
        starts = [np.arange(0, length, side) for length in size]
        blocks = [
            read(Region(y, x, min(side, _WINDOW, size[0] - y), min(side, _WINDOW, size[1] - x)))
            for y in starts[0].tolist()
            for x in starts[1].tolist()
        ]
        enough = np.array([np.isfinite(block).mean() >= _ENOUGH for block in blocks])
        if not enough.any():
            return cls(size, np.zeros(6), 0.0)
        blocks = [block for block, usable in zip(blocks, enough, strict=True) if usable]
        noise = max(_noise(blocks), 12**-0.5 if rounded else 0)  # rounding is noise, too
        low = np.array([np.quantile(block[np.isfinite(block)], _LOW) for block in blocks], np.float64)
        low += _LOW_SIGMAS * noise
        y, x = (
            _unit(first + np.minimum(min(side, _WINDOW), length - first) / 2 - 0.5, length)
            for first, length in zip(starts, size, strict=True)
        )
        return cls(size, _lower_fit(_terms(y, x).reshape(6, -1).T[enough], low, noise), noise)

    def on(self, region: Region | None = None) -> np.ndarray:
        """Grey values of a region, default all, ``(h, w)`` float32."""
        region = region or Region(0, 0, *self.size)
        y = _unit(np.arange(region.y, region.stop_y), self.size[0])[:, None]
        x = _unit(np.arange(region.x, region.stop_x), self.size[1])
        one, of_y, of_x, of_yy, of_yx, of_xx = self.coefficients
        surface = np.empty((region.height, region.width), np.float32)
        for start in range(0, region.height, _ROWS):  # in double precision only so many rows at a time
            part = y[start : start + _ROWS]
            surface[start : start + _ROWS] = one + of_y * part + of_yy * part**2 + (of_x + of_yx * part + of_xx * x) * x
        return surface


def _noise(blocks: list[np.ndarray]) -> float:
    """From differences of neighbours in the darker half of the pixels; the borders of objects are few among them."""
    sample = np.concatenate([block.ravel()[::4] for block in blocks])
    middle = np.median(sample[np.isfinite(sample)])
    steps = [np.abs(np.diff(b.astype(np.float32), axis=1))[b[:, 1:] <= middle] for b in blocks]
    joined = np.concatenate(steps)
    joined = joined[np.isfinite(joined)]
    return float(np.median(joined) / (0.6745 * np.sqrt(2))) if len(joined) else 0.0


def _lower_fit(terms: np.ndarray, low: np.ndarray, noise: float) -> np.ndarray:
    """Least squares that gives up on blocks above the surface; flat where blocks are too few to say more."""
    usable = terms[:, :1] if len(low) < 18 else terms
    scale = max(noise / 2, 1e-6 * (abs(float(np.median(low))) + 1e-12))
    fitted: np.ndarray = np.full(len(low), np.quantile(low, 0.1))
    weight: np.ndarray = np.ones(len(low))
    found = np.zeros(usable.shape[1])
    for _ in range(_ROUNDS):
        above = (low - fitted) / scale
        weight = np.where(above > 0, 1 / (1 + (above / _TOLERANCE) ** 2), 1.0)
        found = np.linalg.lstsq(usable * weight[:, None], low * weight, rcond=None)[0]
        fitted = usable @ found
    return np.pad(found, (0, 6 - len(found)))


def _unit(places: np.ndarray, length: int) -> np.ndarray:
    return (2 * np.asarray(places, np.float64) - (length - 1)) / max(length - 1, 1)


def _terms(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``(6, h, w)``."""
    y, x = np.meshgrid(y, x, indexing="ij")
    return np.stack([np.ones_like(y), y, x, y * y, y * x, x * x])
