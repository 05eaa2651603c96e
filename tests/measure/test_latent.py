"""The two kinds of KL are told apart, each equals its definition, and dead dimensions are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.measure import (
    active_units,
    collapsed,
    empirical_kl,
    empirical_kl_histogram,
    empirical_kl_joint,
    kl_per_dimension,
)


def test_the_loss_term_is_that_of_two_gaussians_worked_by_hand() -> None:
    mu, logvar = np.array([[0.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, np.log(4)]])
    # KL(N(2, 1) || N(0, 1)) = 2 and KL(N(0, 4) || N(0, 1)) = (4 - 1 - ln 4) / 2
    assert kl_per_dimension(mu, logvar) == pytest.approx([0, (2 + (3 - np.log(4)) / 2) / 2])


def test_the_empirical_divergence_of_two_points_is_that_of_their_mean_and_variance() -> None:
    z = np.array([[1.0, 4.0], [-1.0, 0.0]])  # means 0 and 2, variances 1 and 4
    assert empirical_kl(z) == pytest.approx([0, (4 + 4 - 1 - np.log(4)) / 2])


def test_posteriors_that_tile_the_prior_carry_much_and_diverge_little(rng) -> None:
    mu = np.sqrt(0.99) * rng.normal(size=(20_000, 1))
    logvar = np.full_like(mu, np.log(0.01))
    assert kl_per_dimension(mu, logvar)[0] == pytest.approx(-0.5 * np.log(0.01), rel=0.02)
    assert empirical_kl(mu, logvar)[0] < 1e-3
    assert empirical_kl_histogram(mu + 0.1 * rng.normal(size=mu.shape))[0] < 3e-3


def test_a_dead_dimension_has_neither_divergence_though_its_means_alone_seem_far_from_the_prior(rng) -> None:
    mu, logvar = 1e-3 * rng.normal(size=(1000, 1)), np.zeros((1000, 1))
    assert kl_per_dimension(mu, logvar)[0] < 1e-5
    assert empirical_kl(mu, logvar)[0] < 1e-5
    assert empirical_kl(mu)[0] > 5


def test_moments_of_the_posteriors_are_the_limit_of_drawing_from_them(rng) -> None:
    mu, logvar = rng.normal(size=(200, 3)) * [1, 2, 0.1], rng.normal(size=(200, 3))
    draws = np.repeat(mu, 2000, axis=0) + np.exp(np.repeat(logvar, 2000, axis=0) / 2) * rng.normal(size=(400_000, 3))
    assert empirical_kl(mu, logvar) == pytest.approx(empirical_kl(draws), rel=0.02)
    assert empirical_kl_joint(mu, logvar) == pytest.approx(empirical_kl_joint(draws), rel=0.02)


def test_the_joint_divergence_adds_what_correlation_costs(rng) -> None:
    z = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=50_000)
    mutual_information = -0.5 * np.log(1 - 0.8**2)
    assert empirical_kl_joint(z) - empirical_kl(z).sum() == pytest.approx(mutual_information, rel=0.03)
    assert empirical_kl_joint(np.repeat(z[:, :1], 2, axis=1)) == np.inf


def test_the_histogram_sees_clumps_that_the_moments_do_not() -> None:
    clumps = np.repeat([[-1.0], [1.0]], 500, axis=0)
    assert empirical_kl(clumps)[0] == pytest.approx(0, abs=1e-12)
    assert empirical_kl_histogram(clumps, bins=50)[0] == pytest.approx(np.log(25) - 1 / 2000)


def test_the_histogram_agrees_with_the_closed_form_for_a_shifted_gaussian(rng) -> None:
    assert empirical_kl_histogram(rng.normal(1, 1, size=(100_000, 1)), bins=100)[0] == pytest.approx(0.5, abs=0.02)


@given(st.integers(0, 999), st.integers(2, 40), st.integers(1, 5))
def test_every_divergence_is_at_least_zero_and_the_joint_at_least_the_sum(seed, n, d) -> None:
    rng = np.random.default_rng(seed)
    mu, logvar = rng.normal(size=(2, n, d)) * rng.gamma(1, 1, size=(2, 1, d))
    assert (kl_per_dimension(mu, logvar) >= 0).all()
    assert (empirical_kl(mu, logvar) >= 0).all()
    assert (empirical_kl_histogram(mu) >= 0).all()
    assert empirical_kl_joint(mu, logvar) >= empirical_kl(mu, logvar).sum() - 1e-9
    # Jensen: the aggregate posterior cannot be further from the prior than the posteriors are on average.
    assert (empirical_kl(mu, logvar) <= kl_per_dimension(mu, logvar) + 1e-9).all()


def test_a_unit_is_active_where_its_mean_varies_by_more_than_a_hundredth() -> None:
    mu = np.array([[1, 0.1001, 0.0999], [-1, -0.1001, -0.0999]])  # variances 1, 0.01002 and 0.00998
    assert active_units(mu).tolist() == [True, True, False]
    assert active_units([[0.5], [-0.5]], threshold=0.25).tolist() == [False]
    assert active_units(mu, threshold=2).sum() == 0


def test_a_collapse_is_told_in_words_with_what_to_do(rng) -> None:
    alive, dead = rng.normal(size=(50, 2)), np.zeros((50, 2))
    assert collapsed(alive) is None
    some, whole = collapsed(np.hstack([alive, dead]), beta=4), collapsed(dead)
    assert some is not None
    assert "2 of 4 latent dimensions are not in use (number 2, 3" in some
    assert "latent=2" in some
    assert "now 4; try 1" in some
    assert whole is not None
    assert whole.startswith("None of the 2 latent dimensions is in use")


def test_latent_vectors_that_are_not_finite_are_named() -> None:
    with pytest.raises(InputError, match="NaN or infinite value at sample 1"):
        empirical_kl(np.array([[0.0], [np.nan]]))
    with pytest.raises(InputError, match="shape"):
        kl_per_dimension(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(InputError, match="2 bins"):
        empirical_kl_histogram(np.zeros((3, 2)), bins=1)


def test_a_narrow_dimension_that_says_much_is_in_use() -> None:
    rng = np.random.default_rng(0)
    mu = np.stack([0.05 * rng.normal(size=500), 0.05 * rng.normal(size=500)], axis=1)
    logvar = np.log(np.array([[1e-4, 1.0]])).repeat(500, axis=0)  # told precisely; drowned in the prior's noise
    assert not active_units(mu).any()
    assert active_units(mu, logvar=logvar).tolist() == [True, False]
    assert "1 of 2" in str(collapsed(mu, logvar=logvar))
