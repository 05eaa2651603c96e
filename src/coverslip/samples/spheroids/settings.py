"""Settings of preparing images of spheroids."""

from __future__ import annotations

from pydantic import Field

from coverslip.core import Config


class SpheroidSettings(Config):
    """How images of spheroids are made ready."""

    size: int = Field(96, ge=16, description="Side of the square images that come out, pixels.")
    side: int = Field(
        0,
        ge=0,
        description="Side of the square that is cut out around spheroid and debris, pixels of the image, the same for "
        "all, so that sizes compare; 0: the shorter side of the smallest image. Up to the longer side: what is missing "
        "then is continued from the border.",
    )
    bright: bool = Field(False, description="Spheroids are brighter than what is around them (fluorescence).")
    longest: float = Field(2.2, gt=1, description="Flag 'elongated': length over width from this on.")
    least_area: float = Field(0.004, ge=0, description="Flag 'empty': a smaller share of the square.")
    contrast: float = Field(
        5.0, ge=0, description="Flag 'empty': darkness below so many deviations of the empty field."
    )
    focus: float = Field(
        0.4, ge=0, description="Flag 'out of focus': sharpness below this share of the median of the same day."
    )
    saturated: float = Field(0.2, ge=0, le=1, description="Flag 'artefact': share of pixels at an end of the range.")
    largest: float = Field(0.6, gt=0, le=1, description="Flag 'artefact': a larger share of the square is dark.")
