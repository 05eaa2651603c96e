"""The latent space of a variational autoencoder against its prior N(0, I).

Two different numbers are called KL. `kl_per_dimension` averages the divergence of each sample's own posterior: it is
the term in the loss, and says how much a dimension carries. The `empirical_kl` measures compare the *aggregate*
posterior, all samples together, with the prior: they say how well drawing from N(0, I) covers the data, and are near 0
both for a well-filled dimension and for a dead one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import word_for
from coverslip.measure.inputs import as_features

ACTIVE_THRESHOLD = 0.01


def kl_per_dimension(mu: Any, logvar: Any) -> np.ndarray:
    r"""Average divergence of the posteriors from the prior, the loss term split by dimension.

    .. math:: \frac{1}{N} \sum_n \tfrac12 (\mu_{nd}^2 + \sigma_{nd}^2 - 1 - \log \sigma_{nd}^2)

    Parameters
    ----------
    mu, logvar : array, shape (N, D)
        Mean and log variance of :math:`q(z|x)` for each sample.

    Returns
    -------
    ndarray of float64, shape (D,)
        In nats, at least 0; 0 means that the dimension says nothing about any sample. The sum over dimensions is the KL
        term of the loss per sample, before beta.

    References
    ----------
    Kingma, Welling: Auto-encoding variational Bayes, ICLR 2014, appendix B.
    """
    mu, logvar = _posterior(mu, logvar)
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).mean(axis=0)


def empirical_kl(z: Any, logvar: Any = None) -> np.ndarray:
    r"""Divergence of the aggregate posterior from the prior per dimension, from its first two moments.

    .. math:: \tfrac12 (m_d^2 + s_d^2 - 1 - \log s_d^2)

    with the mean :math:`m_d` and variance :math:`s_d^2` of dimension :math:`d` over all samples.

    Parameters
    ----------
    z : array, shape (N, D)
        Latent vectors drawn from :math:`q(z|x)`, one per sample; or the posterior means, with `logvar`.
    logvar : array, shape (N, D), optional
        Log variances. With them the moments are those of the aggregate posterior itself, without the noise of drawing:
        :math:`s^2 = \mathrm{var}(\mu) + \mathrm{mean}(\sigma^2)`. Posterior means alone describe a narrower
        distribution than the one the decoder is trained on.

    Returns
    -------
    ndarray of float64, shape (D,)
        In nats, at least 0, lower means closer to the prior; infinite for a dimension that does not vary. It only sees
        mean and variance: use `empirical_kl_histogram` to see clumps.
    """
    mean, covariance = _moments(z, logvar, joint=False)
    with np.errstate(divide="ignore"):
        return np.maximum(0.5 * (mean**2 + covariance - 1 - np.log(covariance)), 0)


def empirical_kl_joint(z: Any, logvar: Any = None) -> float:
    r"""Divergence of the aggregate posterior from the prior over all dimensions, from mean and covariance.

    .. math:: \tfrac12 (m^\top m + \mathrm{tr}\,S - D - \log \det S)

    Parameters
    ----------
    z, logvar
        As for `empirical_kl`.

    Returns
    -------
    float
        In nats, at least the sum of `empirical_kl`: the difference is the correlation between dimensions. Infinite
        where the dimensions are linearly dependent, as with fewer samples than dimensions.
    """
    mean, covariance = _moments(z, logvar, joint=True)
    sign, logdet = np.linalg.slogdet(covariance)
    if sign <= 0:
        return float("inf")
    return float(max(0.5 * (mean @ mean + np.trace(covariance) - len(mean) - logdet), 0))


def empirical_kl_histogram(z: Any, bins: int = 50) -> np.ndarray:
    r"""Divergence of the distribution of `z` from the prior per dimension, from a histogram.

    The bins have equal probability under N(0, 1), so that
    :math:`\mathrm{KL} = \log B + \sum_b \hat p_b \log \hat p_b`; the expected excess :math:`(B_+ - 1) / 2N` of this
    estimate, for :math:`B_+` bins in use, is taken off (Miller 1955).

    Parameters
    ----------
    z : array, shape (N, D)
        Latent vectors, drawn from :math:`q(z|x)`.
    bins : int
        Number of bins :math:`B`, at least 2. Use many more samples than bins.

    Returns
    -------
    ndarray of float64, shape (D,)
        In nats, from 0 (the prior) to :math:`\log B` (all in one bin): what happens inside a bin is not seen.
    """
    from scipy.special import ndtr, xlogy

    if bins < 2:
        raise InputError(f"A histogram needs at least 2 bins, not {bins}.")
    z = as_features(z, "latent vectors")
    n, dimensions = z.shape
    which = np.minimum((ndtr(z) * bins).astype(np.intp), bins - 1)
    counts = np.bincount((which + bins * np.arange(dimensions)).ravel(), minlength=bins * dimensions)
    p = counts.reshape(dimensions, bins) / n
    plug_in = np.log(bins) + xlogy(p, p).sum(axis=1)
    return np.maximum(plug_in - ((p > 0).sum(axis=1) - 1) / (2 * n), 0)


def active_units(mu: Any, threshold: float = ACTIVE_THRESHOLD, *, logvar: Any = None) -> np.ndarray:
    r"""Which dimensions are in use: those whose posterior mean varies over the data.

    .. math:: A_d = \mathrm{Cov}_x(\mathbb{E}_{q(z|x)}[z_d]) > \text{threshold}

    Parameters
    ----------
    mu : array, shape (N, D)
        Posterior means.
    threshold : float
        Variance above which a dimension counts as active; the paper's 0.01.
    logvar : array, shape (N, D), optional
        Log variances. With them the threshold is a share of the posterior's own variance, which is 1 in a dead
        dimension: with a small beta a dimension may be narrow and yet say much, and is then rightly counted.

    Returns
    -------
    ndarray of bool, shape (D,)
        ``.sum()`` is the paper's number of active units.

    References
    ----------
    Burda, Grosse, Salakhutdinov: Importance weighted autoencoders, ICLR 2016, section 5.2.
    """
    if logvar is None:
        return as_features(mu, "posterior means").var(axis=0) > threshold
    mu, logvar = _posterior(mu, logvar)
    return mu.var(axis=0) > threshold * np.exp(logvar).mean(axis=0)


def collapsed(
    mu: Any, *, logvar: Any = None, threshold: float = ACTIVE_THRESHOLD, beta: float | None = None
) -> str | None:
    """A plain warning where latent dimensions are not in use (posterior collapse), and what to do.

    Parameters
    ----------
    mu : array, shape (N, D)
        Posterior means.
    logvar, threshold
        As for `active_units`.
    beta : float, optional
        The weight of the KL term that was used, to name a lower one.

    Returns
    -------
    str or None
        One or two sentences, or None where every dimension is active.
    """
    active = active_units(mu, threshold, logvar=logvar)
    dead = np.flatnonzero(~active)
    if not len(dead):
        return None
    lower = f"a lower beta (now {beta:g}; try {beta / 4:g})" if beta else "a lower beta"
    if len(dead) == len(active):
        return (
            f"None of the {len(active)} latent dimensions is in use, so every sample gets the same vector "
            f"(posterior collapse): fit with {lower}, for more epochs, and look at the images' "
            "contrast after normalisation."
        )
    which = ", ".join(map(str, dead[:10])) + (", …" if len(dead) > 10 else "")
    return (
        f"{len(dead)} of {len(active)} latent dimensions {word_for(len(dead), 'is', 'are')} not in use (number "
        f"{which}, counted from 0). This harms nothing if the reconstructions are good: fit with "
        f"latent={int(active.sum())} for the same result, or with {lower} if they should carry more."
    )


def _posterior(mu: Any, logvar: Any) -> tuple[np.ndarray, np.ndarray]:
    mu, logvar = as_features(mu, "posterior means"), as_features(logvar, "log variances")
    if mu.shape != logvar.shape:
        raise InputError(f"The posterior means have the shape {mu.shape} but the log variances {logvar.shape}.")
    return mu, logvar


def _moments(z: Any, logvar: Any, *, joint: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and covariance (joint) or variance per dimension, of the aggregate posterior."""
    if logvar is None:
        z, extra = as_features(z, "latent vectors"), None
    else:
        z, logvar = _posterior(z, logvar)
        extra = np.exp(logvar).mean(axis=0)
    mean = z.mean(axis=0)
    if joint:
        covariance = (z - mean).T @ (z - mean) / len(z)
        return mean, covariance if extra is None else covariance + np.diag(extra)
    return mean, z.var(axis=0) if extra is None else z.var(axis=0) + extra
