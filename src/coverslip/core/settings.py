"""Settings that every trained method shares, under one name each."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from coverslip.core.config import Config


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= ends[0] < ends[1] <= 100:
        raise ValueError("percentiles are two numbers from 0 to 100, the low one first")
    return ends


Percentiles = Annotated[tuple[float, float], AfterValidator(_in_order)]
"""Between which grey values are scaled: two numbers from 0 to 100, the low one first."""


class Training(Config):
    """How a network is trained. A method's own `Config` derives from this.

    These settings belong to the result and are saved with the model; where it runs (device, memory,
    resuming) is not a setting but `coverslip.train.Run`.
    """

    epochs: int = Field(100, ge=1, description="Passes over the training samples.")
    batch: int = Field(64, ge=1, description="Samples per optimiser step, over all devices together.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    amsgrad: bool = Field(False, description="Adam that never lengthens a step again (AMSGrad).")
    weight_decay: float = Field(0.0, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine", "steps"] = Field(
        "constant", description="Learning rate over the epochs: 'steps' divides it by 10 at each milestone."
    )
    floor: float = Field(0.0, ge=0, le=1, description="Where the cosine ends, as a share of the learning rate.")
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.6, 0.8), description="Of 'steps', as shares of the epochs."
    )
    gradient_clip: float = Field(0.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    validation: float = Field(
        0.15, ge=0, lt=1, description="Share held out to watch, where the sheet has no 'split' column; whole groups."
    )
    patience: int = Field(0, ge=0, description="Stop after so many epochs without a better validation loss; 0: never.")
    seed: int = Field(0, ge=0, description="Decides the start weights, the order of samples and all noise.")

    @property
    def pretrained(self) -> str | None:
        """The model that a fit begins from, its folder or name; None: there is none."""
        return None


class Pretrainable(Training):
    """How a network is trained that may begin from a fitted one of the same method and shape."""

    shape_settings: ClassVar[tuple[str, ...]] = ()
    """Names of the settings that decide the shape of the network."""

    start: str = Field(
        "random", description="Start weights: random, or those of a fitted model of this method (its folder or name)."
    )

    @property
    def pretrained(self) -> str | None:
        """The model that a fit begins from, its folder or name; None: there is none."""
        return None if self.start == "random" else self.start
