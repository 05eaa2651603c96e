"""Settings of Kaizen."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from coverslip.core.settings import Pretrainable

RECIPES: dict[str, dict[str, Any]] = {
    "house": {},
    "seed": {
        "patch": 40,
        "zoom": 1.0,
        "overlap": 0.0,
        "removed": 0.0,
        "noise": 0.0,
        "exposure": 1.0,
        "masks": False,
        "centre": False,
        "hard": False,
        "groups": 1,
        "codes": 512,
        "code_dim": 64,
        "codebook": "gradient",
    },
}
"""What each recipe sets otherwise than the defaults; ``seed`` is the source's definition, its search included."""


class Config(Pretrainable):
    """Settings of Kaizen. An epoch shows every training object once, and as many empty places as `centred` leaves."""

    shape_settings: ClassVar[tuple[str, ...]] = ("width", "codes", "groups", "code_dim", "codebook")

    recipe: str = Field(
        "house",
        description="Settings that belong together, each of which may be set otherwise: house, or seed, the source's.",
    )
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
    masks: bool = Field(True, description="Masks are generated; else they are cut out of the light, by brightness.")
    centre: bool = Field(
        True, description="Every other object is asked about near its centre, where it is looked at again."
    )
    hard: bool = Field(True, description="Two of three empty places lie beside objects, or on bright things.")
    width: int = Field(32, ge=4, description="Channels of the first level of the network; doubled at each of the next.")
    codes: int = Field(256, ge=2, description="Codes in each table.")
    groups: int = Field(4, ge=1, description="Tables, each for its part of the channels.")
    code_dim: int = Field(8, ge=1, description="Channels of a code.")
    codebook: Literal["ema", "gradient"] = Field("ema", description="How the codes are learned.")
    beta: float = Field(0.25, ge=0, description="Commitment of the encoder to its codes.")
    noise: float = Field(0.02, ge=0, description="Largest standard deviation of noise added to patches in training.")
    exposure: float = Field(1.5, ge=1, description="Largest factor by which patches are made brighter or darker.")

    @model_validator(mode="before")
    @classmethod
    def _of_the_recipe(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        name = given.get("recipe", "house")
        if name not in RECIPES:
            raise ValueError(f"there is no recipe '{name}'; the recipes are {', '.join(RECIPES)}")
        return {**RECIPES[name], **given}

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.patch % 8:
            raise ValueError("the side of a patch must be a multiple of 8")
        if not self.scales or min(self.scales) <= 0:
            raise ValueError("scales are one or more positive numbers")
        return self
