"""Options of finding nuclei of sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coverslip.core import Options as Base
from coverslip.core import flag


class Refine(Base):
    """Of `refine`, and of `predict` too: how maps become objects."""

    alpha: float | None = flag(None, "Weight of the colour, against the network; default: 0.5.", ge=0, le=1)
    threshold: float | None = flag(None, "The mixed map is above this in nuclei; default: 0.6.", gt=0, lt=1)
    min_area: int | None = flag(None, "Smallest object, pixels; default: a fifth of a typical one.", ge=0)


class Options(Refine):
    """Of `predict` and of `Segmenter`."""

    diameter: str | None = flag(None, "How large the objects are: 30 (pixels) or 12um; default: told from each image.")
    adapt: Literal["image", "none"] = Field(
        "image", description="Adapt the network to each image (a slide is one image), or use it as it was fitted."
    )
    stains: Literal["fixed", "macenko"] = Field(
        "fixed", description="Colours of the stains: those of Ruifrok and Johnston, or estimated from each image."
    )
    dab: bool | None = flag(None, "Take the brown of DAB out of the colours; default: told from each image.")
    recipe: Literal["house", "seed"] = Field(
        "house", description="seed: the method as it was published, a network trained from scratch for each image."
    )
    flips: bool = flag(False, "Average over four flips; slower, a little better.")
    drop_border: bool = flag(False, "Leave out objects that touch the border of the image.")
