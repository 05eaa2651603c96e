"""Settings of the models of whole sections."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from coverslip.core import Training
from coverslip.core.settings import Percentiles
from coverslip.methods.section.presets import PRESETS
from coverslip.samples.opening.augment import Augment

Backbone = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnext101_32x8d"]


class Config(Training):
    """Settings of a model of cells or of regions.

    The defaults can be trained on a processor. Those of the source are ``backbone=resnext101_32x8d`` for cells and
    ``backbone=resnet50 start=imagenet`` for regions, each with ``width=64 pyramid=256 head=1024 tile=1024``.
    """

    epochs: int = Field(40, ge=1, description="Passes over the training images.")
    batch: int = Field(4, ge=1, description="Tiles per optimiser step, over all devices together.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam at the start.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    schedule: Literal["constant", "cosine", "steps"] = Field("cosine", description="Learning rate over the epochs.")
    gradient_clip: float = Field(5.0, ge=0, description="Largest norm of the gradient; 0 leaves it alone.")
    target: Literal["cells", "regions"] = Field(
        "cells", description="What is found: cells, as boxes (Faster R-CNN), or regions, as outlines (Mask R-CNN)."
    )
    classes: tuple[str, ...] = Field(
        (),
        description="Class names in their order; 'testis' stands for the lists of mouse testis; default: all that are "
        "marked, by name.",
    )
    backbone: Backbone = Field("resnet18", description="The residual network below the pyramid.")
    width: int = Field(32, ge=8, description="Channels of its first stage; 64 is the usual network.")
    start: Literal["random", "imagenet"] = Field("random", description="Start weights; imagenet needs width 64.")
    pyramid: int = Field(96, ge=8, description="Channels of each level of the feature pyramid.")
    head: int = Field(256, ge=16, description="Width of the layers that name a box.")
    anchors: tuple[float, ...] = Field(
        (),
        description="Sides of the boxes that are tried, pixels shown, one for each of four levels; default: as marked.",
    )
    tile: int = Field(256, ge=64, multiple_of=32, description="Side of what the network sees at once, pixels shown.")
    zoom: float = Field(1.0, gt=0, le=8, description="Pixels shown per pixel of the image; below 1 images are shrunk.")
    scales: float = Field(
        1.15, ge=1, le=4, description="Largest factor by which tiles are enlarged or shrunk; 1: none."
    )
    balance: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of tiles laid around an object of a class drawn evenly, so that rare ones are seen.",
    )
    proposals: int = Field(128, ge=8, description="Boxes per tile that the head learns from at each step.")
    point_box: str = Field(
        "", description="Side of the boxes put around marked points: 20 (pixels) or 8um; default: from their distances."
    )
    bad_boxes: Literal["refuse", "drop"] = Field(
        "refuse", description="What becomes of boxes without area or outside their image: an error, or left out."
    )
    cells: str = Field(
        "",
        description="Column of the sheet that names a file of cells for each image, marked or found by a cell model: "
        "regions are then staged by the cells in them, too; not for cells themselves.",
    )
    network: str = Field(
        "",
        description="A fitted region model whose network, and settings, are taken as they are: only how cells stage "
        "its regions is fitted.",
    )
    percentiles: Percentiles = Field(
        (1.0, 99.8), description="Percentiles of each image, per channel, that its grey values are scaled by."
    )
    augment: Augment = Augment(dihedral=False, contrast=0.2, brightness=0.2, noise=0.02)

    @field_validator("classes", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("point_box", mode="before")
    @classmethod
    def _length(cls, value: Any) -> Any:
        return f"{value:g}" if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.anchors and len(self.anchors) != 4:
            raise ValueError("anchors are four sides, one for each level of the pyramid")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        if self.start == "imagenet" and self.width != 64:
            raise ValueError("the weights of ImageNet are those of a network of width=64")
        if self.cells and self.target == "cells" and not self.network:
            raise ValueError("regions are staged by the cells in them: say target=regions, or leave cells out")
        if self.network and not self.cells:
            raise ValueError("of a fitted network only staging by cells can be learned: name their column, cells=…")
        if self.augment.dihedral:
            raise ValueError("tiles are turned and flipped already; leave augment.dihedral off")
        return self

    @property
    def pretrained(self) -> str | None:
        """The model whose network is taken as it is, to learn staging by its cells; None: a network is fitted."""
        return self.network or None

    @property
    def listed(self) -> tuple[str, ...]:
        """The class names that were asked for; empty: those that are marked."""
        known = PRESETS.get(self.classes[0]) if len(self.classes) == 1 else None
        return self.classes if known is None else known[self.target]
