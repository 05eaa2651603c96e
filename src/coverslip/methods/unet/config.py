"""Settings of the U-Net."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from coverslip.core.settings import Percentiles, Pretrainable
from coverslip.samples.opening.augment import Augment


class Config(Pretrainable):
    """Settings of the U-Net. An epoch shows about as many pixels as the training fields have."""

    shape_settings: ClassVar[tuple[str, ...]] = ("separation", "width", "levels", "stem")

    epochs: int = Field(40, ge=1, description="Passes over the training fields.")
    batch: int = Field(4, ge=1, description="Patches per optimiser step, over all devices together.")
    learning_rate: float = Field(3e-3, gt=0, description="Step size of Adam at the start.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    gradient_clip: float = Field(5.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    separation: Literal["offset", "distance", "boundary"] = Field(
        "offset",
        description="What tells touching objects apart: the way to the object's centroid, depth below the border, or "
        "the border itself.",
    )
    scribbles: bool = Field(
        False,
        description="Masks are strokes: 0 is not labelled and counts for nothing, 1 is background, each number from 2 "
        "on an object, all of it or strokes in it.",
    )
    width: int = Field(32, ge=2, description="Channels of the first level; they double from level to level, up to 256.")
    levels: int = Field(4, ge=1, le=7, description="Resolutions of the network, each half the one before.")
    stem: Literal[1, 2, 4] = Field(
        2, description="Side of the squares of pixels that become channels on entry: 2 is 4 times as fast as 1."
    )
    patch: int = Field(256, ge=32, description="Side of a training patch, pixels.")
    zoom: float = Field(1.2, ge=1, le=8, description="Largest factor by which patches are enlarged or shrunk; 1: none.")
    percentiles: Percentiles = Field(
        (1.0, 99.8), description="Percentiles of each field, per channel, that its grey values are scaled by."
    )
    augment: Augment = Augment(dihedral=False, contrast=0.2, brightness=0.2, noise=0.02)

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.patch % self.multiple:
            raise ValueError(f"the side of a patch must be a multiple of {self.multiple} (stem and levels)")
        if self.augment.dihedral:
            raise ValueError("patches are turned and flipped already; leave augment.dihedral off")
        return self

    @property
    def multiple(self) -> int:
        """Height and width of what the network sees are multiples of this."""
        return int(self.stem * 2 ** (self.levels - 1))
