"""The further terms of the sources' losses: how features of classes lie, and how codes are spread."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.nn.losses import mmd


class Centroids(nn.Module):
    """The mean vector of each class over the last epoch, exact, for labels are at hand.

    The source finds centres by k-means in every batch; with batches of 4 and 10 classes these cannot exist.

    Parameters
    ----------
    classes, size : int
        K, and the length D of a vector.
    """

    centres: Tensor
    counts: Tensor
    sums: Tensor
    seen: Tensor
    epoch: Tensor

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(classes, size))
        self.register_buffer("counts", torch.zeros(classes))
        self.register_buffer("sums", torch.zeros(classes, size))
        self.register_buffer("seen", torch.zeros(classes))
        self.register_buffer("epoch", torch.tensor(0))

    @torch.no_grad()
    def note(self, z: Tensor, codes: Tensor, epoch: int) -> None:
        """Add the vectors of a batch ``(n, D)`` to the sums of an epoch; a new epoch makes centres of the last one."""
        if int(self.epoch) != epoch:
            there = self.seen > 0
            self.centres[there] = self.sums[there] / self.seen[there, None]
            self.counts[there] = self.seen[there]
            self.sums.zero_()
            self.seen.zero_()
            self.epoch.fill_(epoch)
        self.sums.index_add_(0, codes, z.detach().float())
        self.seen.index_add_(0, codes, torch.ones_like(codes, dtype=self.seen.dtype))

    def with_batch(self, z: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Centres ``(K, D)`` and counts ``(K,)`` for a batch.

        Their values are those of the last epoch, or of the batch for classes that had none; they move with the mean of
        the batch, so that the loss has a gradient.
        """
        of_class = nn.functional.one_hot(codes, len(self.counts)).float()
        here = of_class.sum(0)
        means = of_class.T @ z / here.clamp_min(1)[:, None]
        new = self.counts == 0
        kept = torch.where(new[:, None], means.detach(), self.centres)
        moved = torch.where((here > 0)[:, None], kept + means - means.detach(), kept)
        return moved, torch.where(new, here, self.counts)


def spread_between(centres: Tensor, counts: Tensor) -> Tensor:
    """``1 / sum over k of ||mu_k - mu||^2`` over the classes that occur; mu is the mean of all vectors (equation 5.1).

    Parameters
    ----------
    centres : Tensor, shape (K, D)
        mu_k.
    counts : Tensor, shape (K,)
        Images of each class.
    """
    there = counts > 0
    mean = (counts[:, None] * centres).sum(0) / counts.sum()
    return 1 / ((centres - mean).square().sum(1)[there].sum() + 1e-6)


def scatter_within(z: Tensor, codes: Tensor, centres: Tensor) -> Tensor:
    """``sum over k of s_k^2``, s_k the mean distance of the class's vectors from mu_k (equation 5.1, but for the mean).

    Parameters
    ----------
    z : Tensor, shape (n, D)
        Vectors of a batch.
    codes : Tensor of int, shape (n,)
        Their classes.
    centres : Tensor, shape (K, D)
        mu_k.
    """
    distances = ((z - centres[codes]).square().sum(1) + 1e-12).sqrt()
    of_class = nn.functional.one_hot(codes, len(centres)).to(z)
    here = of_class.sum(0)
    means = (of_class.T @ distances) / here.clamp_min(1)
    return means.square().sum()


def mmd_to_normal(codes: Tensor, generator: torch.Generator) -> Tensor:
    """Squared maximum mean discrepancy of codes ``(n, D)`` from as many draws of N(0, I) (equation 7.2).

    The source does not give the kernel's width; its variance is the length of a code, for two draws from N(0, I) are
    twice that apart, squared.
    """
    prior = torch.randn(codes.shape, generator=generator, device=generator.device).to(codes)
    return mmd(codes, prior, [float(codes.shape[1])])
