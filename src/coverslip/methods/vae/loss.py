"""The loss: reconstruction summed over the pixels of an image, plus beta times the KL divergence.

Every term is summed over the pixels (or latent dimensions) of one image and averaged over the images of
the batch. The source sums over the batch as well; that factor leaves Adam's steps unchanged, and without
it the reported numbers do not depend on the batch size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from coverslip.samples.opening.augment import dihedral_all

LEAST_VARIANCE = (1 / 255) ** 2 / 12
"""The rounding of an 8-bit image: a perfectly predicted channel must not drive a likelihood to infinity."""


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, I)) of each image, ``(N,)``, in nats (Kingma and Welling, Appendix B)."""
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(dim=1)


def reconstruction(x: Tensor, x_hat: Tensor, likelihood: str) -> Tensor:
    """Reconstruction term of each image, ``(N,)``.

    Parameters
    ----------
    x, x_hat : Tensor, shape (N, C, H, W)
        Images and reconstructions.
    likelihood : {"squared_error", "gaussian"}
        ``"squared_error"``: ``sum (x - x_hat)^2``, the source's. ``"gaussian"``: negative log-likelihood of a
        Gaussian whose one variance per channel is the batch's mean squared error, the maximum-likelihood
        value (sigma-VAE, Rybkin et al. 2021).
    """
    squared = (x - x_hat).square()
    if likelihood == "squared_error":
        return squared.flatten(1).sum(dim=1)
    variance = squared.mean(dim=(0, 2, 3), keepdim=True).clamp_min(LEAST_VARIANCE)
    return 0.5 * (squared / variance + torch.log(2 * torch.pi * variance)).flatten(1).sum(dim=1)


@torch.no_grad()
def best_orientation(candidates: Tensor, target: Tensor, likelihood: str = "squared_error") -> Tensor:
    """Turn and flip each image to where it comes nearest to another.

    With `candidates` the images and `target` the reconstructions this makes orientation a free, discrete latent: the
    loss is the least over the symmetries of the square (of a rectangle: four), so that the continuous latents need
    not spend anything on how a cell happened to lie.

    Parameters
    ----------
    candidates : Tensor, shape (N, C, H, W)
        Images to turn.
    target : Tensor, shape (N, C, H, W)
        What each should come near to.
    likelihood : {"squared_error", "gaussian"}
        How nearness is measured; as `reconstruction`, with the Gaussian's variances found in two passes.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Each of `candidates` in its nearest orientation.
    """
    versions = dihedral_all(candidates)  # (K, N, C, H, W)
    # |g x - y|^2 = |x|^2 + |y|^2 - 2 <g x, y>: only the product depends on the orientation g.
    product = torch.einsum("knchw,nchw->knc", versions, target)
    best = product.sum(dim=2).argmax(dim=0)
    rows = torch.arange(len(target), device=target.device)
    if likelihood == "gaussian":
        variance = (versions[best, rows] - target).square().mean(dim=(0, 2, 3)).clamp_min(LEAST_VARIANCE)
        best = (product / variance).sum(dim=2).argmax(dim=0)
    return versions[best, rows]


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
