"""The network: a residual trunk over any channels, and the projection head that the loss sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.nn.trunk import Trunk


class SimCLR(nn.Module):
    """Trunk and projection head; the images are brought to mean 0 and deviation 1 first.

    Parameters
    ----------
    trunk : Trunk
        Gives the features, "before the head".
    hidden, latent : int
        Units of the head's hidden layer, and length of the vector after it.
    channels : int
        Of the images.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, trunk: Trunk, *, hidden: int, latent: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.trunk = trunk
        self.head = nn.Sequential(nn.Linear(trunk.features, hidden), nn.ReLU(), nn.Linear(hidden, latent))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors before and after the head.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Values in about [0, 1].

        Returns
        -------
        h : Tensor, shape (N, F), float32
        z : Tensor, shape (N, D), float32
        """
        x = (x - self.mean[:, None, None]) / self.deviation[:, None, None]
        h = self.trunk(x)
        return h.float(), self.head(h).float()
