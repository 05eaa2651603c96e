"""The terms of Mobincep's authors' own run: how logits lie about centres that k-means finds once per epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Clusters(nn.Module):
    """Centres of the logits of the last epoch, by k-means; labels take no part.

    Parameters
    ----------
    images, classes : int
        How many samples there are, and K: as many centres, of vectors of length K.
    seed : int
        Of k-means.
    """

    centres: Tensor
    ready: Tensor
    kept: Tensor
    seen: Tensor
    epoch: Tensor

    def __init__(self, images: int, classes: int, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.register_buffer("centres", torch.zeros(classes, classes))
        self.register_buffer("ready", torch.tensor(False))
        self.register_buffer("kept", torch.zeros(images, classes))
        self.register_buffer("seen", torch.zeros(images, dtype=torch.bool))
        self.register_buffer("epoch", torch.tensor(0))

    @torch.no_grad()
    def note(self, z: Tensor, rows: np.ndarray, epoch: int) -> None:
        """Keep the logits ``(n, K)`` of a batch; a new epoch clusters those of the last one."""
        if int(self.epoch) != epoch:
            self._cluster()
            self.seen.zero_()
            self.epoch.fill_(epoch)
        at = torch.from_numpy(rows).to(self.kept.device)
        self.kept[at] = z.detach().float()
        self.seen[at] = True

    def _cluster(self) -> None:
        from sklearn.cluster import KMeans

        last = self.kept[self.seen].cpu().numpy()
        if len(last) < len(self.centres):
            return
        found = KMeans(len(self.centres), n_init=4, random_state=self.seed).fit(last)
        self.centres.copy_(torch.from_numpy(found.cluster_centers_))
        self.ready.fill_(True)


def scatter_about(z: Tensor, centres: Tensor) -> Tensor:
    """Mean squared distance of vectors ``(n, D)`` from the nearest centre of ``(K, D)``."""
    return torch.cdist(z, centres).square().min(1).values.mean()


def nearness_to_others(z: Tensor, centres: Tensor) -> Tensor:
    """``1 / (sum of the distances to all centres but the nearest)``, the mean over vectors ``(n, D)``."""
    distances = torch.cdist(z, centres)
    return (1 / (distances.sum(1) - distances.min(1).values + 1e-6)).mean()
