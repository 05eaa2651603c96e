"""The loss: reconstruction summed over the pixels of an image, plus beta times the KL divergence.

Every term is summed over the pixels (or latent dimensions) of one image and averaged over the images of
the batch. The source sums over the batch as well; that factor leaves Adam's steps unchanged, and without
it the reported numbers do not depend on the batch size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, I)) of each image, ``(N,)``, in nats (Kingma and Welling, Appendix B)."""
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(dim=1)


def reconstruction(x: Tensor, x_hat: Tensor, likelihood: str) -> Tensor:
    """Reconstruction term of each image, ``(N,)``.

    Parameters
    ----------
    x, x_hat : Tensor, shape (N, C, H, W)
        Images and reconstructions.
    likelihood : {"squared_error", "gaussian", "bernoulli"}
        ``"squared_error"``: ``sum (x - x_hat)^2``, the source's. ``"gaussian"``: negative log-likelihood of a
        Gaussian whose one variance per channel is the batch's mean squared error, the maximum-likelihood
        value (sigma-VAE, Rybkin et al. 2021). ``"bernoulli"``: cross-entropy, for images in [0, 1].
    """
    if likelihood == "bernoulli":
        terms = functional.binary_cross_entropy(x_hat.clamp(1e-6, 1 - 1e-6), x, reduction="none")
        return terms.flatten(1).sum(dim=1)
    squared = (x - x_hat).square()
    if likelihood == "squared_error":
        return squared.flatten(1).sum(dim=1)
    # Not below the rounding of an 8-bit image, so that a perfectly predicted channel cannot drive it to -inf.
    variance = squared.mean(dim=(0, 2, 3), keepdim=True).clamp_min((1 / 255) ** 2 / 12)
    return 0.5 * (squared / variance + torch.log(2 * torch.pi * variance)).flatten(1).sum(dim=1)


def loss_terms(
    x: Tensor, x_hat: Tensor, mu: Tensor, logvar: Tensor, *, beta: float, likelihood: str = "squared_error"
) -> dict[str, Tensor]:
    """The loss and its parts, each a mean over the images.

    Returns
    -------
    dict
        ``loss = reconstruction + beta * kl``, ``reconstruction``, ``kl``.
    """
    terms = {
        "reconstruction": reconstruction(x, x_hat, likelihood).mean(),
        "kl": kl_divergence(mu, logvar).mean(),
    }
    return {"loss": terms["reconstruction"] + beta * terms["kl"], **terms}
