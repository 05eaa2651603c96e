"""The loss is what the source's equations say, computed here a second time with plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.methods.vae.loss import best_orientation, kl_divergence, loss_terms, reconstruction
from coverslip.samples.opening.augment import dihedral_all, turn


@pytest.fixture
def batch() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x": rng.random((5, 2, 9, 7)),
        "x_hat": rng.random((5, 2, 9, 7)),
        "mu": rng.normal(size=(5, 3)),
        "logvar": rng.normal(size=(5, 3)),
    }


def tensors(batch: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(a, dtype=torch.float32) for name, a in batch.items()}


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_loss_of_a_batch_equals_the_numpy_oracle(batch: dict[str, np.ndarray], beta: float) -> None:
    squared = sum(((x - y) ** 2).sum() for x, y in zip(batch["x"], batch["x_hat"], strict=True)) / 5
    kl = 0.0
    for mu, logvar in zip(batch["mu"].ravel(), batch["logvar"].ravel(), strict=True):
        kl += 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar) / 5
    terms = loss_terms(**tensors(batch), beta=beta)
    np.testing.assert_allclose(float(terms["reconstruction"]), squared, rtol=1e-5)
    np.testing.assert_allclose(float(terms["kl"]), kl, rtol=1e-5)
    np.testing.assert_allclose(float(terms["loss"]), squared + beta * kl, rtol=1e-5)


def test_the_kl_vanishes_only_at_the_prior() -> None:
    assert kl_divergence(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0
    assert kl_divergence(torch.zeros(1, 4), torch.full((1, 4), 0.1)).item() > 0


def test_the_gaussian_term_is_the_likelihood_at_its_best_variance(batch: dict[str, np.ndarray]) -> None:
    squared = (batch["x"] - batch["x_hat"]) ** 2
    variance = squared.mean(axis=(0, 2, 3), keepdims=True)
    expected = 0.5 * (squared / variance + np.log(2 * np.pi * variance)).sum(axis=(1, 2, 3))
    given = tensors(batch)
    np.testing.assert_allclose(reconstruction(given["x"], given["x_hat"], "gaussian").numpy(), expected, rtol=1e-4)
    assert expected.mean() < (0.5 * (squared / 0.5 + np.log(np.pi))).sum(axis=(1, 2, 3)).mean()


@pytest.mark.parametrize("likelihood", ["squared_error", "gaussian"])
def test_a_free_orientation_is_the_best_of_all(batch: dict[str, np.ndarray], likelihood: str) -> None:
    square = torch.tensor(batch["x"][..., :7, :], dtype=torch.float32)
    elements = [5, 0, 3, 7, 2]
    turned = torch.stack([turn(x, element) for x, element in zip(square, elements, strict=True)])
    found = best_orientation(turned, square.clamp(0.02, 0.98), likelihood)
    assert torch.equal(found, square)  # turned back


def test_no_orientation_would_come_nearer(batch: dict[str, np.ndarray]) -> None:
    x = torch.tensor(batch["x"][..., :7, :], dtype=torch.float32)
    y = torch.tensor(batch["x_hat"][..., :7, :], dtype=torch.float32)
    best = (best_orientation(x, y) - y).square().flatten(1).sum(1)
    every = (dihedral_all(x) - y).square().flatten(2).sum(2)
    assert torch.allclose(best, every.min(dim=0).values)
