"""Settings of deep clustering."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from coverslip.core import Training
from coverslip.core.settings import Percentiles
from coverslip.samples.opening.augment import Augment

PRESETS: dict[str, dict[str, Any]] = {
    "seed": {},
    "recommended": {
        "network": "strided",
        "epochs": 112,
        "clustering_epochs": 56,
        "batch": 256,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "start": "umap",
        "rounds": 12,
        "guided_epochs": 3,
        "neighbours": 20,
        "beta": 1.0,
        "reconstruct": "original",
        "consistency": 0.05,
        "augment": {"dihedral": False, "rotation": 15.0, "shift": 0.1, "zoom": 0.1, "shear": 0.3},
    },
}
"""Settings that belong together; each may be set otherwise. ``seed`` is the source's definition."""


class Config(Training):
    """Settings of deep clustering; the defaults are the source's definition (preset ``seed``).

    The five rows of its ablation are ``regulariser`` none, kl and mmd with ``clustering=false``, and none and mmd
    with it.
    """

    preset: str = Field(
        "seed",
        description=f"Settings that belong together, each of which may be set otherwise: {', '.join(PRESETS)}.",
    )
    epochs: int = Field(300, ge=1, description="Passes over the samples, at most, both stages together.")
    clustering_epochs: int = Field(
        100, ge=1, description="How many of the epochs are kept for the clustering stage; half of them at most."
    )
    clusters: int | Literal["auto"] = Field(
        "auto", description="Number of clusters, K; 'auto' proposes one once the autoencoder is trained."
    )
    most_clusters: int = Field(15, ge=2, description="The largest number that 'auto' tries.")
    latent: int = Field(10, ge=1, description="Length of a sample's vector.")
    depth: int | Literal["auto"] = Field(
        "auto",
        description="How often the image is halved; 'auto': until the deepest map is at most 7 (strided: 3) pixels.",
    )
    network: Literal["pooled", "strided"] = Field(
        "pooled",
        description="'pooled': the source's, with average pooling; 'strided': convolutions of stride 2, a third of the "
        "time.",
    )
    width: int = Field(
        32, ge=1, description="Channels of the first convolution; the source's last has 8 times as many."
    )
    regulariser: Literal["none", "kl", "mmd"] = Field(
        "mmd",
        description="What keeps latents near the prior in the first stage: nothing, the KL divergence of a stochastic "
        "encoder, or the MMD.",
    )
    regularisation: float = Field(
        1.0, ge=0, description="Weight of the regulariser beside the cross-entropy per pixel."
    )
    consistency: float = Field(
        0.0,
        ge=0,
        description="Weight, in the first stage, of telling each image from others by another augmented version of it.",
    )
    prior_variance: float = Field(0.5, gt=0, description="Variance of the prior of the MMD, N(0, 0.5) in the source.")
    kernel: tuple[float, ...] = Field(
        (1.0,),
        description="Variances of the Gaussian kernels of the MMD, in units of latent x prior_variance, half the mean "
        "squared distance of two draws from the prior; several are averaged.",
    )
    clustering: bool = Field(True, description="Whether the clustering stage follows the first.")
    beta: float = Field(0.1, ge=0, description="Weight of KL(P || Q) beside the squared error per pixel.")
    tolerance: float = Field(
        0.001, ge=0, lt=1, description="Stop when an epoch changes the cluster of fewer samples than this share."
    )
    start: Literal["kmeans", "umap"] = Field(
        "kmeans",
        description="Where centres start: k-means of the latents, or the means of the groups of a Gaussian mixture "
        "on a UMAP of the latents (N2D).",
    )
    rounds: int = Field(
        1,
        ge=1,
        description="How often centres start anew and the clustering stage is run; the rounds share its epochs evenly.",
    )
    guided_epochs: int = Field(
        0,
        ge=0,
        description="For so many epochs of each round the clusters that it started with are the target, not P.",
    )
    neighbours: int = Field(
        0,
        ge=0,
        description="P is made of assignments that are averaged over so many nearest neighbours in latent space.",
    )
    reconstruct: Literal["seen", "original"] = Field(
        "seen",
        description="What an augmented image is given back as: itself, or the image that it was made of, so that the "
        "vector need not say how an image was turned or moved.",
    )
    augment: Augment = Augment(dihedral=False)
    normalise: Literal["percentile", "dtype"] = Field(
        "percentile",
        description="How intensities are brought to [0, 1]: between percentiles, or the range of the dtype.",
    )
    percentiles: Percentiles = Field(
        (0.1, 99.9), description="The low and high percentile of 'percentile'; what lies beyond is clipped."
    )
    per_channel: bool = Field(True, description="Scale each channel by itself.")
    validation: float = Field(
        0.0, ge=0, lt=1, description="Share held out to watch, where the sheet has no 'split' column; whole groups."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        preset = PRESETS.get(given.get("preset", "seed"), {})
        whole = {**preset, **given}
        if isinstance(whole.get("augment"), dict):  # what is not said of it stays as the preset has it
            whole["augment"] = {**preset.get("augment", {}), **whole["augment"]}
        return whole

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.preset not in PRESETS:
            raise ValueError(f"there is no preset '{self.preset}'; the presets are {', '.join(PRESETS)}")
        if self.consistency and self.augment.idle:
            raise ValueError("consistency compares augmented versions of an image: say augment, too, or consistency=0")
        if not self.kernel or min(self.kernel) <= 0:
            raise ValueError("kernel is one or more numbers above 0")
        for name in ("depth", "clusters"):
            if getattr(self, name) != "auto" and getattr(self, name) < 1:
                raise ValueError(f"{name} is 'auto' or at least 1")
        return self

    @property
    def stages(self) -> tuple[int, ...]:
        """Epochs of the first stage and, at most, of each round of the clustering stage."""
        second = min(self.clustering_epochs, self.epochs // 2) if self.clustering else 0
        each = [len(part) for part in np.array_split(np.empty(second), self.rounds)]
        return (self.epochs - second, *(epochs for epochs in each if epochs))
