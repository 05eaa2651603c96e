"""How labels are made from a stain: every number, in pixels or micrometres."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Literal

from pydantic import Field

from coverslip.core import Config, InputError, PixelSize


class StainSettings(Config):
    """Settings of `coverslip.samples.label_from_stain`.

    The defaults were chosen on the training images of BBBC039 and of the Data Science Bowl of 2018, and hold on their
    validation images (`benchmarks/label_from_stain.py`).
    """

    unit: Literal["px", "um"] = Field("px", description="Of diameter, smoothing and areas: px or um.")
    diameter: float | None = Field(
        None, gt=0, description="About how wide a nucleus is; default: measured on each image."
    )
    background: Literal["tophat", "none"] = Field(
        "tophat", description="What is subtracted first: what a window wider than nuclei leaves (tophat), or nothing."
    )
    window: float = Field(6.0, ge=2, description="Side of that window, in diameters.")
    smoothing: float | None = Field(
        None, ge=0, description="Standard deviation of the Gaussian before the threshold; default: diameter / 40."
    )
    threshold: Literal["auto", "otsu", "local"] = Field(
        "auto", description="One grey value for the image (otsu), one for each place (local), or auto."
    )
    level: float = Field(
        0.45, gt=0, lt=1, description="Where a local threshold lies between surroundings (0) and nuclei (1)."
    )
    faintest: float = Field(
        0.3, gt=0, lt=1, description="A local threshold finds nuclei that are at least this bright, by ordinary ones."
    )
    split: Literal["both", "shape", "none"] = Field(
        "both", description="What divides touching nuclei: their shape, shape and brightness (both), or nothing."
    )
    neck: float = Field(
        0.87, ge=0, le=1, description="Two parts are one nucleus where the neck between them is at least so wide."
    )
    hole: float = Field(0.25, ge=0, description="Holes are filled up to this share of a nucleus's area.")
    min_area: float | None = Field(
        None, ge=0, description="Smaller objects are left out; default: a tenth of a nucleus."
    )
    max_area: float | None = Field(None, gt=0, description="Larger objects are left out; default: ten nuclei.")
    contrast: float = Field(
        3.5,
        ge=0,
        description="What is less than so many times the noise brighter than its surroundings is left out.",
    )

    def in_pixels(self, pixel_size: PixelSize | None, source: str) -> Lengths:
        """The lengths and areas in pixels of one image.

        Raises
        ------
        InputError
            If they are in µm and the image does not say how large its pixels are.
        """
        pixel = 1.0
        if self.unit == "um":
            if pixel_size is None:
                raise InputError(
                    f"{source} does not say how large its pixels are; give lengths in pixels (unit=px), or save it "
                    "with its pixel size."
                )
            pixel = sqrt(pixel_size.y * pixel_size.x)
        lengths = [None if v is None else v / pixel for v in (self.diameter, self.smoothing)]
        areas = [None if v is None else v / pixel**2 for v in (self.min_area, self.max_area)]
        return Lengths(lengths[0], lengths[1], areas[0], areas[1])


@dataclass(frozen=True)
class Lengths:
    """What was set of lengths and areas, in pixels; None where it follows from the image."""

    diameter: float | None
    smoothing: float | None
    min_area: float | None
    max_area: float | None

    def areas(self, diameter: float) -> tuple[float, float]:
        """The least and the largest area of an object."""
        disc = pi * (diameter / 2) ** 2
        return (
            disc / 10 if self.min_area is None else self.min_area,
            10 * disc if self.max_area is None else self.max_area,
        )
