"""The terms of both stages, in the notation of the source (MMV-DEC, equations A.1 to A.8), and one more.

What the source leaves open or misprints is read so: A.1 is the binary cross-entropy; the kernel of A.2 is Gaussian, of
the *squared* distance; N(0, 0.5) has the variance 0.5.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.nn.losses import mmd as mmd
from coverslip.nn.losses import squared_distances as squared_distances


def kl_to_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, I)) of each sample, ``(N,)``, in nats."""
    return -0.5 * (1 + logvar - mean.square() - logvar.exp()).sum(dim=1)


def soft_assignment(z: Tensor, centres: Tensor) -> Tensor:
    """How likely each vector is of each cluster, by a Student t kernel of one degree of freedom (A.4).

    Parameters
    ----------
    z : Tensor, shape (N, D)
        Latents.
    centres : Tensor, shape (K, D)
        Centres of the clusters, mu.

    Returns
    -------
    Tensor, shape (N, K)
        q; each row sums to 1.
    """
    nearness = 1 / (1 + squared_distances(z, centres))
    return nearness / nearness.sum(dim=1, keepdim=True)


def target_distribution(q: Tensor, share: Tensor | None = None) -> Tensor:
    """The sharpened assignment that the clustering stage aims at (A.5).

    Parameters
    ----------
    q : Tensor, shape (N, K)
        Soft assignments.
    share : Tensor, shape (K,), optional
        The sum of q over the samples, where `q` is not all of them.

    Returns
    -------
    Tensor, shape (N, K)
        p; each row sums to 1.
    """
    weight = q.square() / (q.sum(dim=0) if share is None else share)
    return weight / weight.sum(dim=1, keepdim=True)


def consistency(z: Tensor, other: Tensor) -> Tensor:
    """How surely each image is told from the others of a batch by its other version (NT-Xent of distances).

    Parameters
    ----------
    z, other : Tensor, shape (N, D)
        Vectors of two augmented versions of N images.

    Returns
    -------
    Tensor
        The mean of -log of the share that the other version has in the sum of ``exp(-d²)`` over all other vectors of
        the batch, in nats; d is the distance in latent space, in place of the cosine of SimCLR (Chen et al. 2020,
        eq. 1), for clusters are told by distances.
    """
    both = torch.cat([z, other])
    nearness = -squared_distances(both, both)
    nearness = nearness.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), -torch.inf)
    return F.cross_entropy(nearness, torch.arange(len(both), device=both.device).roll(len(z)))


def clustering_loss(p: Tensor, q: Tensor) -> Tensor:
    """KL(P || Q) (A.6), the mean over the samples, in nats."""
    return torch.xlogy(p, p).sum(dim=1).mean() - torch.xlogy(p, q).sum(dim=1).mean()


def cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    """Binary cross-entropy of a reconstruction (A.1), the mean over pixels and samples; `x` in [0, 1]."""
    return F.binary_cross_entropy_with_logits(logits, x)


def squared_error(logits: Tensor, x: Tensor) -> Tensor:
    """Mean squared error of a reconstruction (A.7), the mean over pixels and samples; `x` in [0, 1]."""
    return F.mse_loss(torch.sigmoid(logits), x)
