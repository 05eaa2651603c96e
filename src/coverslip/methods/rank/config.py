"""Settings of ranking."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Config as Settings

Strategy = Literal["prediction", "centroid", "softmax", "projection"]
Distance = Literal["cosine", "euclidean", "mse", "l1", "pearson", "dot", "jaccard", "hamming"]


class Config(Settings):
    """Settings of ranking."""

    anchors: tuple[str, ...] = Field(
        ("untreated", "single_dose"),
        description="Classes at the ends of the scale, the low one first. A further one makes a second scale from the "
        "same zero, such as harm: untreated,single_dose,exploded.",
    )
    label: str = Field("label", description="Column that holds the classes.")
    strategies: tuple[Strategy, ...] = Field(
        ("prediction", "centroid", "softmax", "projection"),
        description="What orders the samples: prediction (error of predicting the last day from the first, fitted to "
        "one class; of the vector from itself where there is one day), centroid (distance from a class), softmax (a "
        "classifier of both ends), projection (first principal axis); the score is their mean, weighted by how well "
        "each tells held-out controls apart.",
    )
    distances: tuple[Distance, ...] = Field(
        ("cosine", "euclidean"),
        description="Of prediction and centroid: cosine, euclidean, mse, l1, pearson, dot, jaccard, hamming. All grow "
        "with unlikeness: dot is taken negative; jaccard and hamming are of vectors cut at the median of the class.",
    )
    controls: Literal["same_day", "first_day", "none"] = Field(
        "same_day",
        description="Zero of the scale: low controls of the last day on the same plate; 'first_day' takes those of the "
        "first day, as the source does (day and drug are confounded then); 'none' does not look at plates.",
    )
    group: str = Field(
        "",
        description="Column whose groups are held out whole, so that no sample is scored by what was fitted to its "
        "plate; default: plate or group, where there are two or more, else single samples (wells).",
    )
    folds: int = Field(5, ge=2, description="Parts that are held out in turn, where there is no column 'split'.")
    restarts: int = Field(3, ge=1, description="Fits of each part; those after the first are to resampled rows.")
    standardise: bool = Field(True, description="Bring each dimension to deviation 1 over the training samples first.")
    adjust: bool = Field(
        True,
        description="Where wells have a first day: take out of the last one what usually remains of how a well "
        "differed before (a slope between 0 and 1 for each dimension, from the ends), so that a spheroid that was "
        "small from the start does not look treated. Prediction sees both days itself.",
    )
    predictor: Literal["linear", "mlp", "images"] = Field(
        "linear",
        description="What predicts: ridge regression (of one day: principal components), or the source's networks, "
        "from vector to vector (mlp) or, where vectors are pixels, from image to image (images; not standardised).",
    )
    shape: tuple[int, ...] = Field(
        (),
        description="With predictor=images: channels, height and width of the images that the vectors are pixels of.",
    )
    layers: int = Field(12, ge=2, multiple_of=2, description="Of the network; half of them narrow, half widen.")
    bottleneck: int = Field(8, ge=1, description="Its narrowest layer, and the components of one day.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Share of units left out of a step.")
    epochs: int = Field(2000, ge=1, description="Most passes of the network over the pairs.")
    patience: int = Field(500, ge=1, description="Epochs without a better loss on held-out pairs before it stops.")
    batch: int = Field(32, ge=2, description="Pairs per step of the network.")
    learning_rate: float = Field(1e-4, gt=0, description="Step size of Adam.")
    seed: int = Field(0, ge=0, description="Decides the folds, resampling and the network's start.")

    @model_validator(mode="after")
    def _enough(self) -> Config:
        if len(self.anchors) < 2 or len(set(self.anchors)) < len(self.anchors):
            raise ValueError("a scale has two different ends: write anchors=untreated,single_dose")
        if not self.strategies or not self.distances:
            raise ValueError("at least one strategy and one distance are needed")
        if self.predictor == "images" and (len(self.shape) != 3 or min(self.shape) < 1):
            raise ValueError("predictor=images needs channels, height and width: write shape=3,96,96")
        return self
