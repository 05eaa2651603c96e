"""Options of slide stores."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from coverslip.core.config import Options, flag


class Predict(Options):
    """Of compressing."""

    ratio: float = flag(
        128.0, "How many times smaller than its pixels (3 bytes each) the tissue becomes, all bytes counted.", gt=1
    )
    level: int | None = Field(None, ge=0, description="Level of quality of the model in place of a ratio, from 0.")
    keep_roi: Path | None = Field(
        None,
        description="A GeoJSON (of several slides: a folder with one for each, called as the slide) with outlines in "
        "pixels, as QuPath exports them: the slide's own pixels in them are stored too.",
    )
    keep_error: int = Field(
        2, ge=0, le=8, description="How many grey values of 255 any value in them may be off; 0: none at all."
    )
    weights: Literal["auto", "inside", "named"] = Field(
        "auto", description="Where the model is kept: inside the store, or named where it is shipped (auto)."
    )


class Decode(Options):
    """Of writing the pixels."""

    compression: Literal["zlib", "jpeg", "none"] = Field(
        "zlib", description="Of the tiles; in DICOM, which has no zlib, that is JPEG 2000 without loss."
    )
    dicom: bool = flag(False, "Write DICOM, a folder with a file for each resolution, in place of OME-TIFF.")


class Evaluate(Options):
    """Of measuring what was lost."""

    tiles: int = Field(
        40, ge=1, description="Squares of 512² pixels of tissue of each slide that are compared, drawn at random."
    )
    pictures: Path | None = flag(None, "Folder for pictures of the squares that lost most, before and after.")
    shown: int = Field(6, ge=1, description="How many of them.")
    nuclei: str | None = flag(None, "A model of nuclei, such as he-nuclei: what it finds before and after is compared.")


class Report(Options):
    """Of the page."""

    tiles: int = Field(24, ge=1, description="Squares of 512² pixels of tissue that are compared, drawn at random.")
    shown: int = Field(6, ge=1, le=24, description="How many of them are shown, the worst first.")
