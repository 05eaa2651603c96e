"""Settings of the nuclei of sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Training
from coverslip.core.settings import Percentiles


class Config(Training):
    """Settings of the warm network; an epoch shows about as many pixels as the fields have."""

    epochs: int = Field(6, ge=1, description="Passes over the fields in each round.")
    rounds: int = Field(3, ge=1, le=10, description="Rounds: each but the first learns from what the one before found.")
    batch: int = Field(8, ge=1, description="Patches per optimiser step, over all devices together.")
    learning_rate: float = Field(3e-3, gt=0, description="Step size of Adam at the start.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="Learning rate over the epochs of a round.")
    gradient_clip: float = Field(5.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    validation: float = Field(0.0, ge=0, lt=1, description="Share of the fields held out to watch; whole groups.")
    width: int = Field(16, ge=2, description="Channels of the first level; they double from level to level, up to 256.")
    levels: int = Field(4, ge=1, le=7, description="Resolutions of the network, each half the one before.")
    stem: Literal[1, 2, 4] = Field(2, description="Side of the squares of pixels that become channels on entry.")
    patch: int = Field(128, ge=32, description="Side of a training patch, pixels.")
    zoom: float = Field(1.45, ge=1, le=4, description="Largest factor that patches are enlarged or shrunk by; 1: none.")
    percentiles: Percentiles = Field(
        (1.0, 99.0), description="Percentiles of each field, per colour, that its values are scaled by."
    )
    sizes: float = Field(0.3, ge=0, le=1, description="Spread of the sizes of drawn nuclei, log of the diameter.")
    lengthening: float = Field(0.9, ge=0, le=4, description="Spread of the ratio of their axes above 1.")
    roughness: float = Field(0.12, ge=0, le=0.5, description="How far their outlines leave an ellipse.")
    strength: tuple[float, float] = Field(
        (0.5, 1.3), description="How dark they are, from and to, as a share of what is found in the field."
    )
    vesicular: float = Field(0.5, ge=0, le=1, description="Share of them that are pale inside, with a dark rim.")
    cut: float = Field(0.5, ge=0, le=1, description="Share of the nuclei put onto fields that are cut out of fields.")
    crowding: float = Field(0.45, ge=0, le=1, description="Largest share of a patch that such nuclei cover.")
    real: float = Field(0.5, ge=0, le=1, description="Share of patches that show mostly what the field itself holds.")
    clouds: float = Field(0.4, ge=0, le=1, description="Share of patches with haematoxylin that is in no nucleus.")
    stain: float = Field(0.3, ge=0, le=2, description="How far the colours of stains are changed; 0: not.")
    geometry: float = Field(1.0, ge=0, description="Weight of how central a pixel is in its nucleus.")
    steps: int = Field(40, ge=1, description="Optimiser steps of adapting to an image.")
    step_size: float = Field(5e-4, gt=0, description="Their size at the start; it falls as a cosine does.")
    lamda: float = Field(
        0.6, ge=0, le=1, description="Share of what the image itself says, against synthetic nuclei, in adapting."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if not 0 < self.strength[0] <= self.strength[1]:
            raise ValueError("strength is two numbers above 0, the low one first")
        if self.patch % self.multiple:
            raise ValueError(f"the side of a patch must be a multiple of {self.multiple} (stem and levels)")
        return self

    @property
    def multiple(self) -> int:
        """Height and width of what the network sees are multiples of this."""
        return int(self.stem * 2 ** (self.levels - 1))
