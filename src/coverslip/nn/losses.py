"""Losses that several methods share: of masks, and of how vectors are spread."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_dice_loss(probability: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice coefficient over the whole batch.

    ``1 - (2 sum(p t) + s) / (sum(p) + sum(t) + s)``. The sums run over the batch, so that an image without any
    object does not count as wholly wrong.

    Parameters
    ----------
    probability, target : Tensor, any shape
        In [0, 1].
    smooth : float
        s, pixels; keeps the loss defined where both are empty.

    Returns
    -------
    Tensor, scalar
        In [0, 1].

    References
    ----------
    Milletari et al., V-Net, 3DV 2016, section 3.
    """
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + smooth) / (probability.sum() + target.sum() + smooth)


def dice_bce(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, dice: float = 0.5) -> Tensor:
    """Binary cross-entropy, mean over pixels, plus `dice` times the soft Dice loss.

    Parameters
    ----------
    logits, target : Tensor, same shape
        Before the sigmoid; targets in [0, 1].
    weight : Tensor, same shape, optional
        How much each pixel counts in the cross-entropy; best with a mean of 1.
    dice : float
        Weight of the Dice term, which keeps rare foreground from being ignored.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight=weight)
    return entropy + dice * soft_dice_loss(torch.sigmoid(logits), target)


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """``||a_i - b_j||^2``, ``(N, M)``, of vectors ``(N, D)`` and ``(M, D)``; without the cancellation of products."""
    return (a[:, None] - b[None]).square().sum(dim=2)


def mmd(z: Tensor, prior: Tensor, widths: Sequence[float]) -> Tensor:
    """Squared maximum mean discrepancy of two sets of vectors, its biased estimate.

    ``E k(z', z') + E k(z, z) - 2 E k(z', z)`` with ``k(a, b) = mean over s of exp(-||a - b||^2 / (2 s))``.

    Parameters
    ----------
    z : Tensor, shape (N, D)
        Latents.
    prior : Tensor, shape (M, D)
        Draws from the prior.
    widths : sequence of float
        The kernels' variances sigma^2.

    References
    ----------
    Gretton et al.: A Kernel Two-Sample Test, JMLR 13 (2012), equation 5.
    """

    def similarity(a: Tensor, b: Tensor) -> Tensor:
        distances = squared_distances(a, b)
        return torch.stack([torch.exp(-distances / (2 * width)).mean() for width in widths]).mean()

    return similarity(prior, prior) + similarity(z, z) - 2 * similarity(prior, z)
