"""Vector quantisation: each vector of a map is replaced by the nearest code of a table."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.distributed as distributed
import torch.nn.functional as F
from torch import Tensor, nn

_SMOOTH = 1e-5
_AT_ONCE = 256


class Quantised(NamedTuple):
    """What comes of a quantisation.

    Parameters
    ----------
    map : Tensor, shape (N, groups * dim, H, W)
        Codes in place of the vectors. Gradients pass through to the input as if nothing had been replaced.
    indices : Tensor of int64, shape (N, groups, H, W)
        Which code of each table.
    loss : Tensor, scalar
        ``beta ||z - sg[e]||²``, and for a table learned by gradients also ``||sg[z] - e||²``; means over all numbers.
    perplexity : Tensor, scalar
        How many codes of a table are in use, as the exponential of the entropy; mean over tables, from 1 to `codes`.
    """

    map: Tensor
    indices: Tensor
    loss: Tensor
    perplexity: Tensor


class VectorQuantiser(nn.Module):
    """Replace vectors by codes from one table, or from one table for each of several groups of channels.

    Several groups (product quantisation) tell ``codes ** groups`` vectors apart at the cost of ``codes * groups``.

    Parameters
    ----------
    codes : int
        Codes of each table.
    dim : int
        Channels of each group.
    groups : int
        Number of tables.
    learned_by : {"ema", "gradient"}
        Codes follow the mean of the vectors nearest to them (no gradient needed), or the gradient of the loss.
    decay : float
        Of that mean, per batch.
    beta : float
        Weight of the commitment of the encoder to its codes.
    revive_below : float
        A code that takes less than this share of what an even use would give it, over about ``1 / (1 - decay)``
        batches, is set to a vector of the batch. 0: never.

    References
    ----------
    van den Oord et al., Neural Discrete Representation Learning, NeurIPS 2017, equation 3 and appendix A.1.
    """

    table: Tensor
    size: Tensor
    total: Tensor
    started: Tensor

    def __init__(
        self,
        codes: int,
        dim: int,
        *,
        groups: int = 1,
        learned_by: Literal["ema", "gradient"] = "ema",
        decay: float = 0.99,
        beta: float = 0.25,
        revive_below: float = 0.03,
    ) -> None:
        super().__init__()
        self.codes, self.dim, self.groups = codes, dim, groups
        self.learned_by, self.decay, self.beta, self.revive_below = learned_by, decay, beta, revive_below
        table = torch.randn(groups, codes, dim) / dim**0.5
        if learned_by == "gradient":
            self.table = nn.Parameter(table)
        else:
            self.register_buffer("table", table)
            self.register_buffer("total", table.clone())
        self.register_buffer("size", torch.ones(groups, codes))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def forward(self, z: Tensor) -> Quantised:
        """Quantise a map.

        Parameters
        ----------
        z : Tensor, shape (N, groups * dim, H, W)
        """
        n, _, height, width = z.shape
        # (G, n H W, D): distances and means are taken in full precision, also where the network runs in half.
        with torch.autocast(z.device.type, enabled=False):
            vectors = z.float().reshape(n, self.groups, self.dim, height * width)
            vectors = vectors.permute(1, 0, 3, 2).reshape(self.groups, -1, self.dim)
            if self.training and not self.started:
                self._begin(vectors.detach())
            table = self.table.float()
            nearest = _nearest(vectors.detach(), table.detach())
            chosen = torch.stack([table[g][nearest[g]] for g in range(self.groups)])
            loss = self.beta * F.mse_loss(vectors, chosen.detach())
            if self.learned_by == "gradient":
                loss = loss + F.mse_loss(chosen, vectors.detach())
            used = torch.stack([torch.bincount(row, minlength=self.codes) for row in nearest]).float()
            if self.training:
                self._learn(vectors.detach(), nearest, used)
            passed = vectors + (chosen - vectors).detach()
        share = used / used.sum(-1, keepdim=True)
        perplexity = torch.exp(-(share * torch.log(share + 1e-10)).sum(-1)).mean()
        shape = (self.groups, n, height * width, self.dim)
        quantised = passed.reshape(shape).permute(1, 0, 3, 2).reshape(z.shape)
        indices = nearest.reshape(self.groups, n, height, width).transpose(0, 1)
        return Quantised(quantised.to(z.dtype), indices, loss, perplexity)

    def look_up(self, indices: Tensor) -> Tensor:
        """The map ``(N, groups * dim, H, W)`` of codes ``(N, groups, H, W)``."""
        n, _, height, width = indices.shape
        chosen = torch.stack([self.table[g][indices[:, g]] for g in range(self.groups)], 1)
        return chosen.permute(0, 1, 4, 2, 3).reshape(n, self.groups * self.dim, height, width)

    @torch.no_grad()
    def _begin(self, vectors: Tensor) -> None:
        """Start from vectors of the first batch: codes drawn at random may never be nearest to any."""
        table = _spread(vectors, self.codes)
        _from_first_process(table)
        self.table.copy_(table)
        if self.learned_by == "ema":
            self.total.copy_(table)
        self.started.fill_(True)

    @torch.no_grad()
    def _learn(self, vectors: Tensor, nearest: Tensor, used: Tensor) -> None:
        sums = torch.zeros_like(self.table)
        for g in range(self.groups):
            sums[g].index_add_(0, nearest[g], vectors[g])
        used, sums = _over_processes(used), _over_processes(sums)
        even = used.sum(-1, keepdim=True) / self.codes
        self.size.lerp_(used / even, 1 - self.decay)
        if self.learned_by == "ema":
            self.total.lerp_(sums / even[..., None], 1 - self.decay)
            self.table.copy_(self.total / (self.size[..., None] + _SMOOTH))
        dead = self.size < self.revive_below
        if dead.any():
            fresh = _spread(vectors, self.codes)
            _from_first_process(fresh)
            self.table[dead] = fresh[dead]
            self.size[dead] = 1.0
            if self.learned_by == "ema":
                self.total[dead] = fresh[dead]


def _nearest(vectors: Tensor, table: Tensor) -> Tensor:
    """Nearest codes ``(G, n)`` of vectors ``(G, n, D)`` in tables ``(G, codes, D)``; in parts that fit a cache."""
    size = table.square().sum(-1)[:, None]
    parts = vectors.split(_AT_ONCE, 1)
    return torch.cat([_smallest(torch.baddbmm(size, part, table.transpose(1, 2), alpha=-2)) for part in parts], 1)


def _smallest(distances: Tensor) -> Tensor:
    """Where the last axis is smallest; on processors by NumPy, whose search is eight times as fast as torch's."""
    if distances.device.type == "cpu":
        return torch.from_numpy(distances.numpy().argmin(-1))
    return distances.argmin(-1)


def _spread(vectors: Tensor, count: int) -> Tensor:
    """Vectors ``(G, count, D)`` taken evenly from a batch ``(G, n, D)``, which is in random order: no dice needed."""
    places = torch.linspace(0, vectors.shape[1] - 1, count, device=vectors.device).round().long()
    return vectors[:, places].clone()


def _over_processes(counts: Tensor) -> Tensor:
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(counts)
    return counts


def _from_first_process(table: Tensor) -> None:
    if distributed.is_available() and distributed.is_initialized():
        distributed.broadcast(table, 0)
