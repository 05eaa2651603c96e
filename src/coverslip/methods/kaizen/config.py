"""Settings of Kaizen."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Training


class Config(Training):
    """Settings of Kaizen. An epoch shows every training object once, and as many empty places as `centred` leaves."""

    epochs: int = Field(30, ge=1, description="Passes over the training objects.")
    batch: int = Field(32, ge=1, description="Patches per optimiser step, over all devices together.")
    learning_rate: float = Field(2e-3, gt=0, description="Step size of Adam at the start.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    gradient_clip: float = Field(5.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    light: Literal["emitted", "absorbed"] = Field(
        "emitted", description="Objects send light, or they absorb it: dark ones in transmitted light, -ln(I) adds up."
    )
    patch: int = Field(64, ge=16, description="Side of a patch, pixels; wider than the widest object.")
    scales: tuple[float, ...] = Field(
        (1.0,), description="How many pixels of the image are one of a patch; several for objects of very unlike sizes."
    )
    zoom: float = Field(1.1, ge=1, description="Largest factor by which patches are enlarged or shrunk; 1: none.")
    centred: float = Field(0.8, gt=0, lt=1, description="Share of patches with an object at the centre.")
    overlap: float = Field(
        0.35, ge=0, le=1, description="Share of those on which another object is laid, its light added."
    )
    removed: float = Field(
        0.25, ge=0, le=1, description="Share of patches whose neighbours are taken away, as on an error image."
    )
    width: int = Field(32, ge=4, description="Channels of the first level of the network; doubled at each of the next.")
    codes: int = Field(256, ge=2, description="Codes in each table.")
    groups: int = Field(4, ge=1, description="Tables, each for its part of the channels.")
    code_dim: int = Field(8, ge=1, description="Channels of a code.")
    codebook: Literal["ema", "gradient"] = Field("ema", description="How the codes are learned.")
    beta: float = Field(0.25, ge=0, description="Commitment of the encoder to its codes.")
    noise: float = Field(0.02, ge=0, description="Largest standard deviation of noise added to patches in training.")
    exposure: float = Field(1.5, ge=1, description="Largest factor by which patches are made brighter or darker.")

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.patch % 8:
            raise ValueError("the side of a patch must be a multiple of 8")
        if not self.scales or min(self.scales) <= 0:
            raise ValueError("scales are one or more positive numbers")
        return self
