"""What the generator sees of an image: the light of its objects, on a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from coverslip.core import Fields, InputError, Region
from coverslip.samples.opening.absorbed import Absorbed
from coverslip.samples.opening.background import Background
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.nodata import NoData

Kind = Literal["emitted", "absorbed"]

_BRIGHT = 99.8
_FAINTEST = 30.0


def adding_up(fields: Fields, light: Kind) -> Fields:
    """Fields in which the objects add up: as they are, or the optical densities of what absorbs light."""
    return Absorbed(fields) if light == "absorbed" else fields


@dataclass(frozen=True)
class Light:
    """The background of a field, and how bright its objects are.

    Light adds up where objects overlap; its square root, which the generator sees, keeps dim objects visible beside
    bright ones, and has about the same noise everywhere.

    Parameters
    ----------
    background : Background
        What is subtracted.
    unit : float
        Grey values above the background that count as 1: the 99.8th percentile, but at least 30 times the noise, so
        that an empty field is not taken for a dim one.
    nodata : NoData or None
        Areas that hold no image; there is no light.
    """

    background: Background
    unit: float
    nodata: NoData | None = None

    @classmethod
    def of(cls, fields: Fields, index: int) -> Light:
        """Look at a field.

        Raises
        ------
        InputError
            If it has several channels, or pixels that are no numbers.
        """
        if fields.count != 1:
            raise InputError(
                f"{fields.name(index)} has {fields.count} channels or focal planes, and objects are explained in one; "
                "choose it with --channels, or --planes sharpest for a stack."
            )
        exposure = Exposure.of(fields, index, (1.0, _BRIGHT))
        background = Background.of(fields, index, exposure.nodata)
        if not np.isfinite(background.coefficients).all():
            raise InputError(f"{fields.name(index)} has pixels that are no numbers (NaN or infinite); mend the file.")
        bright = float(exposure.high[0])
        least = max(_FAINTEST * background.noise, float(np.finfo(np.float32).tiny))
        return cls(background, max(bright - float(background.coefficients[0]), least), exposure.nodata)

    def read(self, fields: Fields, index: int, region: Region | None = None) -> np.ndarray:
        """Light of a region, default all, ``(h, w)`` float32: about 1 for bright objects; noise goes below 0."""
        return self.read_free(fields, index, region)[0]

    def read_free(self, fields: Fields, index: int, region: Region | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The same, and which pixels hold an image, ``(h, w)`` bool."""
        region = region or Region(0, 0, *fields.size(index))
        if self.nodata is None:
            pixels, empty = fields.pixels(index, region), np.zeros((region.height, region.width), bool)
        else:
            pixels, empty = self.nodata.read(fields, index, region)
        light = (pixels[0].astype(np.float32) - self.background.on(region)) / np.float32(self.unit)
        light[empty] = 0
        return light, ~empty

    def free(self, fields: Fields, index: int, region: Region) -> np.ndarray:
        """Which pixels of a region hold an image, ``(h, w)`` bool."""
        if self.nodata is None:
            return np.ones((region.height, region.width), bool)
        return ~self.nodata.read(fields, index, region)[1]

    def background_of(self, fields: Fields, index: int, region: Region) -> np.ndarray:
        """Grey values of a region without its objects, ``(h, w)`` float32; where there is no image, the stored ones."""
        background = self.background.on(region)
        if self.nodata is not None:
            background[~self.free(fields, index, region)] = self.nodata.value[0]
        return background
