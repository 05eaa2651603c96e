"""Losses for masks against the same written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.nn.losses import dice_bce, soft_dice_loss


def test_dice_is_zero_for_the_truth_and_one_for_its_opposite() -> None:
    truth = torch.tensor([[1.0, 0.0, 1.0, 1.0]])
    assert soft_dice_loss(truth, truth).item() == 0
    assert soft_dice_loss(1 - truth, truth, smooth=0).item() == 1
    assert soft_dice_loss(torch.zeros(4), torch.zeros(4)).item() == 0


def test_dice_and_cross_entropy_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(0, 2, (3, 5, 7)), rng.integers(0, 2, (3, 5, 7)).astype(float)
    p = 1 / (1 + np.exp(-logits))
    entropy = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()
    dice = 1 - (2 * (p * truth).sum() + 1) / (p.sum() + truth.sum() + 1)
    found = dice_bce(torch.from_numpy(logits), torch.from_numpy(truth), dice=0.7)
    assert found.item() == pytest.approx(entropy + 0.7 * dice, rel=1e-6)
