"""NT-Xent, the places of partners and VICReg against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.methods.simclr.loss import found, nt_xent, similarities, vicreg


def views(n: int = 9, latent: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2 * n, latent)) * 3


def cosine(z: np.ndarray) -> np.ndarray:
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    return unit @ unit.T


def oracle_nt_xent(z: np.ndarray, temperature: float) -> float:
    """Equation 1 of Chen et al., written out over all pairs (i, j) and (j, i)."""
    n, sim = len(z) // 2, np.exp(cosine(z) / temperature)
    losses = []
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        losses.append(-np.log(sim[i, j] / sum(sim[i, k] for k in range(2 * n) if k != i)))
    return float(np.mean(losses))


def oracle_vicreg(z: np.ndarray, weights: tuple[float, float, float]) -> float:
    a, b = z[: len(z) // 2], z[len(z) // 2 :]
    invariance = ((a - b) ** 2).mean()
    hinges = [np.maximum(0, 1 - np.sqrt(view.var(0, ddof=1) + 1e-4)).mean() / 2 for view in (a, b)]
    squares = [np.cov(view.T) ** 2 for view in (a, b)]
    covariances = [(square.sum() - np.trace(square)) / z.shape[1] for square in squares]
    return float(weights[0] * invariance + weights[1] * sum(hinges) + weights[2] * sum(covariances))


@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize("n", [2, 9, 64])
def test_nt_xent_is_the_papers(n: int, temperature: float) -> None:
    z = views(n)
    found = nt_xent(*similarities(torch.from_numpy(z)), temperature)
    assert float(found) == pytest.approx(oracle_nt_xent(z, temperature), rel=1e-5)


def test_vicreg_is_the_papers() -> None:
    z, weights = views(), (25.0, 20.0, 2.0)
    assert float(vicreg(torch.from_numpy(z), *weights)["loss"]) == pytest.approx(oracle_vicreg(z, weights), rel=1e-5)


def test_a_collapse_costs_vicreg_and_not_more_than_its_hinges() -> None:
    terms = vicreg(torch.ones(8, 4), 25.0, 25.0, 1.0)
    assert float(terms["invariance"]) == float(terms["covariance"]) == 0
    assert float(terms["variance"]) == pytest.approx(0.99)


def test_places_of_partners_are_counted_from_one() -> None:
    z = views()
    sim = cosine(z)
    np.fill_diagonal(sim, -np.inf)
    n = len(z) // 2
    places = np.array([1 + (sim[i] > sim[i, (i + n) % (2 * n)]).sum() for i in range(2 * n)])
    terms = found(*similarities(torch.from_numpy(z)))
    assert float(terms["top1"]) == pytest.approx((places == 1).mean())
    assert float(terms["top5"]) == pytest.approx((places <= 5).mean())
    assert float(terms["position"]) == pytest.approx(places.mean())


def test_equal_views_find_each_other() -> None:
    first = torch.from_numpy(views()[:9])
    terms = found(*similarities(torch.cat([first, first])))
    assert [float(terms[name]) for name in ("top1", "top5", "position")] == [1, 1, 1]
