"""The learning rate over the epochs, as the history has it."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.samples import ArraySamples
from coverslip.methods import vae
from coverslip.train.run import Run

SAMPLES = ArraySamples(np.random.default_rng(0).integers(0, 255, (8, 1, 8, 8)).astype(np.uint8))


def rates(**settings: object) -> list[float]:
    config = vae.Config.parse({"epochs": 5, "width": 2, "latent": 2, "learning_rate": 0.01, **settings})
    history = vae.fit(SAMPLES, config, Run(device="cpu", precision="fp32")).history
    return [row["learning_rate"] for row in history]


def test_a_cosine_ends_at_its_floor() -> None:
    whole = 0.5 * (1 + np.cos(np.pi * np.arange(5) / 5))
    assert rates(schedule="cosine") == pytest.approx(0.01 * whole)
    assert rates(schedule="cosine", floor=0.02) == pytest.approx(0.01 * (0.02 + 0.98 * whole))


def test_steps_divide_by_ten_at_each_milestone() -> None:
    assert rates(schedule="steps") == pytest.approx([1e-2, 1e-2, 1e-2, 1e-3, 1e-4])
    assert rates(schedule="steps", milestones=[0.4]) == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-3])
