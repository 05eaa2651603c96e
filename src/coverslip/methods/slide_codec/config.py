"""Settings of the learned codec of slides."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Training

LATENT_SIDE = 16
"""Pixels of the image along each side that share one position of the latents."""


class Config(Training):
    """Settings of the codec; one model serves several rates."""

    epochs: int = Field(30, ge=1, description="Passes over the fields; one shows about as many pixels as they have.")
    batch: int = Field(4, ge=1, description="Patches per optimiser step, over all devices together.")
    learning_rate: float = Field(1.5e-3, gt=0, description="Step size of Adam at the start.")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    floor: float = Field(0.02, ge=0, le=1, description="Where the cosine ends, as a share of the learning rate.")
    gradient_clip: float = Field(1.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    validation: float = Field(0.0, ge=0, lt=1, description="Share of the fields held out to watch; whole groups.")
    patch: int = Field(192, ge=192, description="Side of a training patch, pixels; a multiple of 32.")
    latent: int = Field(96, ge=1, le=768, description="Numbers at each position of the latents, one for 16² pixels.")
    fine: int = Field(96, ge=8, description="Channels of the networks where one position is 8² pixels.")
    coarse: int = Field(160, ge=8, description="Channels where it is 16² pixels.")
    prior: int = Field(128, ge=8, description="Channels of the network that expects a latent from its neighbours.")
    rates: tuple[float, ...] = Field(
        (0.00004, 0.00018, 0.0008, 0.0035, 0.015),
        description="Levels of quality, each by the bits per pixel that one squared grey value (of 255) is worth.",
    )
    emphasis: tuple[float, ...] = Field(
        (3, 3, 3, 1, 1), description="How often a quality near each level is drawn, in shares."
    )
    msssim: float = Field(
        600.0, ge=0, description="What one minus the MS-SSIM of the brightness is worth, in squared grey values."
    )
    zoom: float = Field(1.5, ge=1, le=4, description="Largest factor that patches are enlarged or shrunk by; 1: none.")

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.patch % (2 * LATENT_SIDE):
            raise ValueError(f"the side of a patch must be a multiple of {2 * LATENT_SIDE}")
        if len(self.rates) != len(self.emphasis) or not self.rates:
            raise ValueError("rates and emphasis are equally many numbers, one for each level")
        if min(self.rates) <= 0 or min(self.emphasis) < 0 or sum(self.emphasis) <= 0:
            raise ValueError("rates are above 0, emphasis at least 0 and not all 0")
        if any(low >= high for low, high in zip(self.rates, self.rates[1:], strict=False)):
            raise ValueError("rates grow from level to level")
        return self
