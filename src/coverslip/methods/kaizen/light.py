"""What the generator sees of an image: the light of its objects, on a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, InputError, Region
from coverslip.samples.opening.background import Background
from coverslip.samples.opening.exposure import Exposure

_BRIGHT = 99.8
_FAINTEST = 30.0


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
    """

    background: Background
    unit: float

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
        background = Background.of(fields, index)
        if not np.isfinite(background.coefficients).all():
            raise InputError(f"{fields.name(index)} has pixels that are no numbers (NaN or infinite); mend the file.")
        bright = float(Exposure.of(fields, index, (1.0, _BRIGHT)).high[0])
        least = max(_FAINTEST * background.noise, float(np.finfo(np.float32).tiny))
        return cls(background, max(bright - float(background.coefficients[0]), least))

    def read(self, fields: Fields, index: int, region: Region | None = None) -> np.ndarray:
        """Light of a region, default all, ``(h, w)`` float32: about 1 for bright objects; noise goes below 0."""
        pixels = fields.pixels(index, region)[0].astype(np.float32)
        return (pixels - self.background.on(region)) / np.float32(self.unit)
