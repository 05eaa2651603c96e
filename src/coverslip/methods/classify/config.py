"""Settings of classifiers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from coverslip.core import Config as Settings
from coverslip.core import Training
from coverslip.core.settings import Percentiles
from coverslip.samples.opening.augment import Augment

Network = Literal["mobincep", "wavem_cnn", "organet", "mobilenet_v2", "resnet18", "linear", "knn"]

SHALLOW = ("linear", "knn")
"""Networks whose features are given, so that nothing is trained epoch by epoch."""

_SIDE = 128
"""What images that differ in size are brought to, where nobody says."""

_OF_SOURCE = {"mobincep": {"between": 0.01, "within": 0.01}, "organet": {"mmd": 1.0}}
"""What the sources weigh their further terms with; Mobincep's are those of the authors' own run."""

_STARTED = {"random": (), "imagenet": ("mobilenet_v2", "organet", "resnet18")}
_FROM_MODELS = ("resnet18", *SHALLOW)


class Config(Training):
    """Settings of a classifier."""

    network: Network = Field("mobincep", description="The network, or a baseline: linear or knn on given features.")
    label: str = Field("label", description="Column that holds the classes; rows without one are left out.")
    order: tuple[str, ...] = Field(
        (), description="The classes from low to high, where they are ordered; all of them: normal,light,severe."
    )
    size: int = Field(
        0,
        ge=0,
        description="Images are resized to this height and width, pixels; 0: as they are, or 128 where they differ.",
    )
    aspect: Literal["pad", "stretch"] = Field(
        "pad",
        description="Of images that differ in size: pad keeps proportions, in a square filled with the grey of the "
        "border; stretch does not.",
    )
    width: float = Field(1.0, gt=0, description="Factor of the channels of Mobincep and WaveM-CNN; 64 x of resnet18.")
    wavelet: str = Field("haar", description="WaveM-CNN: haar, or the name of another orthogonal wavelet (db2, sym4).")
    start: str = Field(
        "random",
        description="Start weights: random; imagenet (mobilenet_v2, organet, resnet18: downloaded); or the folder of a "
        "simclr model, whose trunk resnet18 starts from and linear and knn take their features from.",
    )
    augment: Augment = Augment(rotation=20, shift=0.05, zoom=0.1, shear=0.05, brightness=0.1, contrast=0.1, edge=True)
    between: float | None = Field(
        None, ge=0, description="Weight of 1 / (spread between class centres); default: the source's (mobincep 0.01)."
    )
    within: float | None = Field(
        None, ge=0, description="Weight of the scatter within classes; default: the source's (mobincep 0.01)."
    )
    scatter_on: Literal["features", "logits"] = Field(
        "features", description="What both of these look at: the pooled features (the text), or the logits."
    )
    centres: Literal["classes", "kmeans"] = Field(
        "classes",
        description="What both measure from: the mean of each class over the epoch before; or, as in the authors' own "
        "run, centres that k-means finds of the logits once per epoch, without labels (scatter_on=logits).",
    )
    mmd: float | None = Field(
        None, ge=0, description="Weight of the distance of the codes from N(0, I); default: the source's (organet 1)."
    )
    rule: Literal["auto", "softmax", "centres"] = Field(
        "auto",
        description="How codes become classes: softmax, or the nearest k-means centre of the training codes, each "
        "named after the class it holds most of (Hungarian algorithm); auto: centres for organet.",
    )
    imbalance: Literal["none", "weights", "oversample"] = Field(
        "none",
        description="Of unequal classes: none leaves them so; weights counts rare ones more in the loss; oversample "
        "shows them more often. The latter two give probabilities as if all classes were equally frequent.",
    )
    cross: int = Field(
        5,
        ge=0,
        description="linear and knn: calibrated on all labelled images in so many parts, each judged by a head that "
        "was fitted without it; 0: on the held-out ones alone, as the others.",
    )
    retrain: bool = Field(
        False,
        description="Once the number of epochs is found, train anew on training and validation together; temperature "
        "and prediction sets stay those of the fit before.",
    )
    normalise: Literal["percentile", "dtype"] = Field(
        "percentile",
        description="How intensities come to [0, 1]: between percentiles of the training samples, or over the whole "
        "range of the dtype.",
    )
    percentiles: Percentiles = Field(
        (0.1, 99.9), description="The low and high percentile of 'percentile'; what lies beyond is clipped."
    )
    epochs: int = Field(60, ge=1, description="Passes over the training samples.")
    batch: int = Field(32, ge=2, description="Samples per optimiser step, over all devices together.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    schedule: Literal["constant", "cosine", "steps"] = Field(
        "cosine", description="Learning rate over the epochs: 'steps' divides it by 10 at each milestone."
    )
    validation: float = Field(
        0.2, ge=0, lt=1, description="Share held out to stop and to calibrate, without a 'split' column; whole groups."
    )
    patience: int = Field(15, ge=0, description="Stop after so many epochs without a better validation loss; 0: never.")

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.cross == 1:
            raise ValueError("cross counts parts: 0 for none, or 2 and more")
        if self.centres == "kmeans" and self.scatter_on != "logits":
            raise ValueError("centres by k-means are of the logits: say scatter_on=logits, too")
        if len(set(self.order)) < len(self.order):
            raise ValueError("order lists a class twice")
        able = _STARTED.get(self.start, _FROM_MODELS)
        if self.start != "random" and self.network not in able:
            raise ValueError(f"start={self.start} is for {', '.join(able)}, not for {self.network}")
        if self.start == "imagenet" and self.width != 1:
            raise ValueError("the weights of ImageNet are of width 1: leave width alone, or start at random")
        if self.network in SHALLOW and self.rule == "centres":
            raise ValueError(f"{self.network} has no codes that centres could be found of; leave rule alone")
        return self

    def weight(self, term: Literal["between", "within", "mmd"]) -> float:
        """The weight of a term of the loss: as set, else as in the network's source."""
        value = getattr(self, term)
        return float(_OF_SOURCE.get(self.network, {}).get(term, 0.0) if value is None else value)

    @property
    def pretrained(self) -> str | None:
        """The model that a fit takes its trunk from; None: there is none."""
        return None if self.start in _STARTED else self.start

    @property
    def by_centres(self) -> bool:
        """Whether classes are told by the nearest centre."""
        return self.rule == "centres" or (self.rule == "auto" and self.network == "organet")


def one_size(config: Settings) -> dict[str, object]:
    """What images that differ in size are brought to, and how; see `coverslip.samples.opening.open_at_one_size`.

    Parameters
    ----------
    config : Config
        Of the classifier.

    Returns
    -------
    dict
        ``size``, pixels, and ``aspect``.
    """
    assert isinstance(config, Config)
    return {"size": config.size or _SIDE, "aspect": config.aspect}
