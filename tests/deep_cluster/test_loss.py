"""The terms of the loss equal plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from coverslip.methods.deep_cluster.loss import (
    clustering_loss,
    consistency,
    cross_entropy,
    kl_to_normal,
    mmd,
    soft_assignment,
    squared_error,
    target_distribution,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def vectors(rng: np.random.Generator, n: int, d: int, spread: float = 1.0) -> np.ndarray:
    return rng.normal(0, spread, (n, d)).astype(np.float32)


def mmd_of_pairs(z: np.ndarray, prior: np.ndarray, widths: list[float]) -> float:
    def similarity(a: np.ndarray, b: np.ndarray) -> float:
        found = [np.exp(-np.sum((x - y) ** 2) / (2 * w)) for w in widths for x in a for y in b]
        return float(np.mean(found))

    z, prior = z.astype(np.float64), prior.astype(np.float64)
    return similarity(prior, prior) + similarity(z, z) - 2 * similarity(prior, z)


@pytest.mark.parametrize("widths", [[5.0], [0.5, 2.0, 8.0]])
@pytest.mark.parametrize(("n", "m", "d"), [(7, 7, 10), (12, 5, 3), (2, 9, 1)])
def test_mmd_is_that_of_all_pairs(rng: np.random.Generator, widths: list[float], n: int, m: int, d: int) -> None:
    z, prior = vectors(rng, n, d, 2.0), vectors(rng, m, d)
    found = mmd(torch.from_numpy(z), torch.from_numpy(prior), widths)
    assert_allclose(found, mmd_of_pairs(z, prior, widths), atol=1e-5)


def test_mmd_is_0_of_the_same_vectors_and_grows_with_their_distance(rng: np.random.Generator) -> None:
    z = torch.from_numpy(vectors(rng, 20, 4))
    assert_allclose(mmd(z, z, [2.0]), 0, atol=1e-6)
    near, far = (float(mmd(z + by, z, [2.0])) for by in (0.5, 2.0))
    assert 0 < near < far


def test_consistency_is_the_cross_entropy_of_finding_the_other_version(rng: np.random.Generator) -> None:
    z, other = vectors(rng, 5, 3), vectors(rng, 5, 3)
    both = np.concatenate([z, other]).astype(np.float64)
    lost = []
    for i in range(10):
        nearness = [np.exp(-np.sum((both[i] - both[j]) ** 2)) for j in range(10)]
        lost.append(-np.log(nearness[(i + 5) % 10] / (sum(nearness) - nearness[i])))
    assert_allclose(consistency(torch.from_numpy(z), torch.from_numpy(other)), np.mean(lost), atol=1e-5)


def test_consistency_is_better_where_versions_lie_together_and_images_apart(rng: np.random.Generator) -> None:
    z, other = torch.from_numpy(vectors(rng, 9, 3)), torch.from_numpy(vectors(rng, 9, 3))
    together = consistency(z, z + 0.1 * (other - z))
    assert together < consistency(z, other)
    assert consistency(3 * z, 3 * z) < consistency(z, z)


def test_soft_assignment_is_a_student_t_of_one_degree_of_freedom(rng: np.random.Generator) -> None:
    z, centres = vectors(rng, 9, 10), vectors(rng, 4, 10)
    expected = np.array([[1 / (1 + np.sum((x.astype(float) - c) ** 2)) for c in centres] for x in z])
    expected /= expected.sum(axis=1, keepdims=True)
    found = soft_assignment(torch.from_numpy(z), torch.from_numpy(centres))
    assert_allclose(found, expected, atol=1e-5)


def test_soft_assignment_worked_by_hand() -> None:
    found = soft_assignment(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert_allclose(found, [[6 / 11, 3 / 11, 2 / 11]], atol=1e-6)  # 1, 1/2 and 1/3


def test_targets_are_squares_over_the_size_of_the_cluster(rng: np.random.Generator) -> None:
    q = rng.dirichlet(np.ones(5), 40)
    expected = np.empty_like(q)
    for i, row in enumerate(q):
        weights = [row[j] ** 2 / sum(q[:, j]) for j in range(5)]
        expected[i] = np.array(weights) / sum(weights)
    found = target_distribution(torch.from_numpy(q.astype(np.float32)))
    assert_allclose(found, expected, atol=1e-5)
    part = target_distribution(torch.from_numpy(q[:7]), torch.from_numpy(q.sum(axis=0)))
    assert_allclose(part, expected[:7], atol=1e-6)


def test_the_clustering_loss_is_the_divergence_of_targets_and_assignments(rng: np.random.Generator) -> None:
    p, q = rng.dirichlet(np.ones(5), 40), rng.dirichlet(np.ones(5), 40)
    p[0] = [1, 0, 0, 0, 0]
    expected = sum(a * np.log(a / b) for a, b in zip(p.ravel(), q.ravel(), strict=True) if a) / 40
    found = clustering_loss(torch.from_numpy(p.astype(np.float32)), torch.from_numpy(q.astype(np.float32)))
    assert_allclose(found, expected, rtol=1e-5)


def test_kl_is_that_of_normal_distributions(rng: np.random.Generator) -> None:
    mean, logvar = vectors(rng, 6, 3).astype(float), vectors(rng, 6, 3).astype(float)
    expected = 0.5 * (np.exp(logvar) + mean**2 - 1 - logvar).sum(axis=1)
    assert_allclose(kl_to_normal(torch.from_numpy(mean), torch.from_numpy(logvar)), expected, rtol=1e-6)


def test_reconstructions_are_measured_per_pixel(rng: np.random.Generator) -> None:
    x = rng.random((3, 2, 4, 4)).astype(np.float32)
    logits = rng.normal(0, 2, x.shape).astype(np.float32)
    x_hat = 1 / (1 + np.exp(-logits.astype(float)))
    entropy = -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).mean()
    assert_allclose(cross_entropy(torch.from_numpy(logits), torch.from_numpy(x)), entropy, rtol=1e-5)
    assert_allclose(squared_error(torch.from_numpy(logits), torch.from_numpy(x)), ((x - x_hat) ** 2).mean(), rtol=1e-5)
