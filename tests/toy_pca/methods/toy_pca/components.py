"""All of the toy."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from coverslip.core.config import Config as Settings
from coverslip.core.fitted import Fitted
from coverslip.core.results import Embedding
from coverslip.core.samples import Samples


class Config(Settings):
    components: int = Field(2, ge=1, description="Dimensions of the vectors.")


def fit(samples: Samples, config: Config | None = None, run: Any = None) -> Fitted:
    config = config or Config()
    pixels = _pixels(samples)
    mean = pixels.mean(0)
    axes = np.linalg.svd(pixels - mean, full_matrices=False)[2][: config.components]
    return Fitted("toy_pca", config, {"mean": mean, "axes": axes})


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Embedding:
    latent = (_pixels(samples) - fitted.weights["mean"]) @ fitted.weights["axes"].T
    return Embedding.from_arrays(latent, samples.obs)


def _pixels(samples: Samples) -> np.ndarray:
    return samples.read(np.arange(len(samples))).reshape(len(samples), -1).astype(np.float32)
