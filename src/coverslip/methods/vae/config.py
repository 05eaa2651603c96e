"""Settings of the adaptable VAE."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from coverslip.core import Training
from coverslip.core.settings import Percentiles
from coverslip.methods.vae.architecture import PRESET_LATENT, PRESETS, Downsample
from coverslip.samples.opening.augment import Augment

MOST_EPOCHS = 100
"""As the source has it."""

_LEAST_EPOCHS = 10
_PIXELS = 60_000_000
"""Pixels that are fitted to in about two minutes on two cores: 240 steps of 64 crops of 64 x 64."""


class Config(Training):
    """Settings of the adaptable VAE; the defaults are the source's definition, but for the epochs.

    `likelihood` and `orientation` leave that definition when changed from their defaults.
    """

    epochs: int = Field(
        0,
        ge=0,
        description="Passes over the training samples; 0: as many as take about two minutes on two cores, from 10 to "
        f"the source's {MOST_EPOCHS}.",
    )
    latent: int = Field(
        10,
        ge=1,
        description="Length of a cell's vector (the source studies 2, 10 and 20); with a preset 2, unless set.",
    )
    beta: float = Field(1.0, ge=0, description="Weight of the KL term; below 1 sharper, above 1 more regular.")
    depth: int | Literal["auto"] = Field("auto", description="Down-sampling blocks; 'auto' follows the image size.")
    downsample: Downsample = Field(
        "maxpool",
        description="'maxpool': convolution, ReLU, pooling; 'strided': strided convolution, batch norm, ReLU; "
        "'residual': ResNet-18 and its mirror (the usual one has width 64), for larger images such as patches of "
        "slides.",
    )
    width: int = Field(32, ge=1, description="Channels of the first block; they double from block to block.")
    preset: str | None = Field(
        None,
        description=f"A network of the source: {', '.join(PRESETS)}; decides depth, downsample and width, and latent "
        f"{PRESET_LATENT} unless latent is set.",
    )
    likelihood: Literal["squared_error", "gaussian"] = Field(
        "squared_error",
        description="Reconstruction term: summed squared error, or a Gaussian whose noise per channel is learned.",
    )
    orientation: Literal["kept", "free"] = Field(
        "kept",
        description="'free': crops are turned and flipped at random and a reconstruction may match any orientation, so "
        "that the vector says nothing of it; predictions average over the orientations.",
    )
    normalise: Literal["percentile", "dtype", "zscore"] = Field(
        "percentile",
        description="How intensities are scaled, fitted once on the training samples: to [0, 1] between percentiles, "
        "over the whole range of the dtype, or to mean 0 and deviation 1 (then the output has no sigmoid).",
    )
    percentiles: Percentiles = Field(
        (0.1, 99.9), description="The low and high percentile of 'percentile'; what lies beyond is clipped."
    )
    per_channel: bool = Field(True, description="Scale each channel by itself.")
    augment: Augment = Augment(dihedral=False)

    def for_samples(self, count: int, height: int, width: int) -> Config:
        """These settings with the number of epochs for so many training samples of this size."""
        if self.epochs:
            return self
        fitting = _PIXELS // max(1, count * height * width)
        return self.model_copy(update={"epochs": min(max(fitting, _LEAST_EPOCHS), MOST_EPOCHS)})

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_tables(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("preset") is not None:
            return {"latent": PRESET_LATENT, **given}
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"there is no preset '{self.preset}'; the presets are {', '.join(PRESETS)}")
        if self.downsample == "residual" and self.depth != "auto":
            raise ValueError("the depth of 'residual' is that of ResNet-18; leave depth at 'auto'")
        if self.depth != "auto" and self.depth < 1:
            raise ValueError("depth is 'auto' or at least 1")
        if self.normalise == "zscore" and _changes_intensity(self.augment):
            raise ValueError(
                "intensity augmentation needs intensities in [0, 1]: choose normalise 'percentile' or 'dtype'"
            )
        return self


def _changes_intensity(augment: Augment) -> bool:
    return any((augment.blur, augment.gamma, augment.contrast, augment.brightness, augment.noise))
