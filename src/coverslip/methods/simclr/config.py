"""Settings of SimCLR."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Training
from coverslip.core.settings import Percentiles
from coverslip.samples.opening.recipes import Recipe


class Config(Training):
    """Settings of SimCLR; the defaults are the source's definition but for the recipe.

    With ``recipe=strong`` and ``normalise=dtype`` they are the source's.
    """

    trunk: Literal["resnet18", "resnet34", "resnet50"] = Field("resnet18", description="The network before the head.")
    # Processors and cards multiply 8 channels at once: others would only be slower.
    width: int = Field(
        64,
        ge=8,
        multiple_of=8,
        description="Channels of the trunk's first stage, a multiple of 8; they double three times.",
    )
    stem: Literal["auto", "small", "medium", "large"] = Field(
        "auto",
        description="First layer: 'small' keeps the size (3 x 3), 'medium' halves it (3 x 3), 'large' quarters it (7 x "
        "7 and pooling); 'auto' is small for images below 64 pixels, else large.",
    )
    hidden: int = Field(512, ge=1, description="Units of the projection head's hidden layer.")
    latent: int = Field(20, ge=1, description="Length of the vector after the projection head.")
    objective: Literal["contrastive", "vicreg"] = Field(
        "contrastive",
        description="'contrastive': NT-Xent, the views of other images push away; 'vicreg': no others, the vectors are "
        "held apart by their variance and covariance.",
    )
    temperature: float = Field(0.07, gt=0, description="Of NT-Xent; lower looks at the most similar others only.")
    invariance: float = Field(25.0, ge=0, description="VICReg: weight of the distance between two views.")
    variance: float = Field(25.0, ge=0, description="VICReg: weight of the hinge on the deviation of each dimension.")
    covariance: float = Field(1.0, ge=0, description="VICReg: weight of the covariance between dimensions.")
    start: Literal["random", "imagenet"] = Field(
        "random", description="Start weights of the trunk: drawn, or downloaded ones of ImageNet (photographs)."
    )
    recipe: Recipe = Recipe()
    normalise: Literal["percentile", "dtype"] = Field(
        "percentile",
        description="How intensities come to [0, 1]: between percentiles of the training samples, or over the whole "
        "range of the dtype, as in the source. After the recipe each channel gets mean 0 and deviation 1.",
    )
    percentiles: Percentiles = Field(
        (0.1, 99.9), description="The low and high percentile of 'percentile'; what lies beyond is clipped."
    )
    per_channel: bool = Field(True, description="Scale each channel by itself.")
    batch: int = Field(
        64, ge=2, description="Images per optimiser step, over all devices together; each is told from the others."
    )
    epochs: int = Field(245, ge=1, description="Passes over the training samples.")
    learning_rate: float = Field(5e-4, gt=0, description="Step size of Adam.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine", "steps"] = Field(
        "cosine", description="Learning rate over the epochs: 'steps' divides it by 10 at each milestone."
    )
    floor: float = Field(0.02, ge=0, le=1, description="Where the cosine ends, as a share of the learning rate.")

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.start == "imagenet" and self.width != 64:
            raise ValueError("the weights of ImageNet are of width 64: leave width alone, or start at random")
        return self
