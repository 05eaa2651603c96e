"""The network: encoder, two heads, bridge, decoder (Kovács, section 3.3.2 and Appendix A)."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, nn

from coverslip.methods.vae import plain
from coverslip.methods.vae.architecture import Architecture


class VAE(nn.Module):
    """Variational autoencoder over images of one size.

    Parameters
    ----------
    architecture : Architecture
        The layers, from `coverslip.methods.vae.architecture.plan`.
    latent : int
        Length D of the latent vector.
    bounded : bool
        Whether outputs are squeezed into [0, 1] by a sigmoid. (The source prints a ReLU as the last
        activation of two presets; a sigmoid has no parameters either and keeps its promise of [0, 1].)
    """

    def __init__(self, architecture: Architecture, latent: int, *, bounded: bool = True) -> None:
        super().__init__()
        self.architecture = architecture
        of = _ends(architecture)
        self.encoder = of.encoder(architecture)

        c, h, w = architecture.bottleneck
        self.mu = nn.Linear(c * h * w, latent)
        self.logvar = nn.Linear(c * h * w, latent)
        self.bridge = nn.Linear(latent, c * h * w)

        self.decoder = of.decoder(architecture)
        self.output: nn.Module = nn.Sigmoid() if bounded else nn.Identity()
        height, width = architecture.shape[1:]
        resize = architecture.decoded != (height, width)
        self.resize: nn.Module = nn.Upsample((height, width), mode="bilinear") if resize else nn.Identity()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance, each ``(N, D)`` float32, of images ``(N, C, H, W)``."""
        features = self.encoder(x).flatten(1)
        return self.mu(features).float(), self.logvar(features).float()

    def decode(self, z: Tensor) -> Tensor:
        """Images ``(N, C, H, W)`` float32 from latent vectors ``(N, D)``."""
        # The view is made channels-last to match the rest of the network where that layout is used.
        x = self.bridge(z).unflatten(1, self.architecture.bottleneck)
        x = x.contiguous(memory_format=torch.channels_last)
        return self.resize(self.output(self.decoder(x).float()))

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct through one draw from the posterior.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images.
        noise : Tensor, shape (N, D)
            A draw from N(0, I); zeros reconstruct from the mean.

        Returns
        -------
        x_hat : Tensor, shape (N, C, H, W)
        mu, logvar : Tensor, shape (N, D)
        """
        mu, logvar = self.encode(x)
        return self.decode(mu + noise * torch.exp(0.5 * logvar)), mu, logvar


def _ends(architecture: Architecture) -> ModuleType:
    """What makes its encoder and decoder."""
    if architecture.downsample == "residual":
        from coverslip.methods.vae import residual  # with torchvision, which is slow to load

        return residual
    return plain
