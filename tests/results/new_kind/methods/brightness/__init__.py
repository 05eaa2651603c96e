"""Bright or not: a method that gives a kind of result of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core.card import Card
from coverslip.core.config import Config as Base
from coverslip.core.config import Options as BaseOptions
from coverslip.core.config import flag
from coverslip.core.fitted import Fitted
from coverslip.core.samples import Samples

CARD = Card(
    name="brightness",
    summary="Counts samples that are brighter than the mean of those it was fitted to.",
    takes="samples",
    gives="tally",
    citation="Nobody, 2026",
    inputs="Samples of any size.",
    outputs="A tally.",
)


class Config(Base):
    """It has no settings."""


class Options(BaseOptions):
    """Of `predict`."""

    factor: float = flag(1.0, "How many times brighter.", gt=0)


def fit(samples: Samples, config: Config | None = None, run: Any = None) -> Fitted:
    mean = samples.read(np.arange(len(samples))).mean()
    return Fitted("brightness", config or Config(), {"mean": np.array([mean], np.float32)})


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto", factor: float = 1.0) -> np.ndarray:
    means = samples.read(np.arange(len(samples))).mean(axis=(1, 2, 3))
    return np.asarray(means > factor * fitted.weights["mean"][0])
