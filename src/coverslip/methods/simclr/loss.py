"""What the two views of each image are asked for: NT-Xent, or VICReg; and how well they find each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def similarities(z: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine similarity of each view with all others, and which of them shows the same image.

    Parameters
    ----------
    z : Tensor, shape (2N, D)
        N first views, then the N second ones in the same order.

    Returns
    -------
    sim : Tensor, shape (2N, 2N)
        With -infinity on the diagonal.
    partner : Tensor of int, shape (2N,)
    """
    n = len(z) // 2
    unit = F.normalize(z.float(), dim=1)
    sim = (unit @ unit.T).fill_diagonal_(-torch.inf)
    return sim, torch.arange(2 * n, device=z.device).roll(n)


def nt_xent(sim: Tensor, partner: Tensor, temperature: float) -> Tensor:
    """The normalised temperature-scaled cross entropy, a mean over all views (Chen et al. 2020, equation 1)."""
    return F.cross_entropy(sim / temperature, partner)


def found(sim: Tensor, partner: Tensor) -> dict[str, Tensor]:
    """How well views find their partner among the 2N - 1 others.

    Returns
    -------
    dict
        ``top1`` and ``top5``: share whose partner is the most similar, or among the five most similar; ``position``:
        mean place of the partner, from 1.
    """
    own = sim.gather(1, partner[:, None])
    position = 1 + (sim > own).sum(1)
    return {
        "top1": (position == 1).float().mean(),
        "top5": (position <= 5).float().mean(),
        "position": position.float().mean(),
    }


def vicreg(z: Tensor, invariance: float, variance: float, covariance: float) -> dict[str, Tensor]:
    """Variance, invariance and covariance (Bardes et al. 2022, equations 1 to 6).

    Parameters
    ----------
    z : Tensor, shape (2N, D)
        As for `similarities`, not normalised; N at least 2.
    invariance, variance, covariance : float
        Weights.

    Returns
    -------
    dict
        ``loss`` and its unweighted parts, ``invariance``, ``variance`` and ``covariance``.
    """
    first, second = z.float().chunk(2)
    parts = {"invariance": F.mse_loss(first, second), "variance": z.new_zeros(()), "covariance": z.new_zeros(())}
    for view in (first, second):
        centred = view - view.mean(0)
        spread = (centred.square().sum(0) / max(1, len(view) - 1) + 1e-4).sqrt()
        parts["variance"] = parts["variance"] + F.relu(1 - spread).mean() / 2
        products = centred.T @ centred / max(1, len(view) - 1)
        apart = products.square().sum() - products.diagonal().square().sum()
        parts["covariance"] = parts["covariance"] + apart / z.shape[1]
    loss = invariance * parts["invariance"] + variance * parts["variance"] + covariance * parts["covariance"]
    return {"loss": loss, **parts}
