"""Settings of the probe."""

from __future__ import annotations

from pydantic import Field

from coverslip.core import Config as Base


class Config(Base):
    """Settings of the probe."""

    label: str = Field("label", description="Column that holds the classes; rows without one are not learned from.")
    group: str = Field("", description="Column whose groups are never divided; default: the usual ones, such as plate.")
    balanced: bool = Field(True, description="Weigh the classes equally, however many cells each has.")
    curve: tuple[int, ...] = Field(
        (1, 2, 5, 10, 20, 50, 100),
        description="Learning curve: labels of each class that are learned from; empty for no curve.",
    )
    draws: int = Field(5, ge=1, description="Draws of labels for each point of the curve.")
    folds: int = Field(5, ge=2, description="Folds that regularisation and calibration are chosen with.")
    seed: int = Field(0, ge=0, description="Decides folds and draws.")
