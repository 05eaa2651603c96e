"""The networks: a convolutional autoencoder, and the centres of the clusters in its latent space (MMV-DEC)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from coverslip.methods.deep_cluster.architecture import Architecture
from coverslip.methods.deep_cluster.loss import soft_assignment

BUFFERS = ("target", "assigned", "share", "made")
"""What a `Clusterer` holds while it is trained."""


class Autoencoder(nn.Module):
    """Convolutional autoencoder over images of one size.

    Parameters
    ----------
    architecture : Architecture
        The layers.
    latent : int
        Length D of the latent vector z.
    stochastic : bool
        Whether the encoder gives a mean and a log-variance instead of a vector, for the KL regulariser.
    """

    def __init__(self, architecture: Architecture, latent: int, *, stochastic: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        pooled = architecture.kind == "pooled"
        self.encoder = nn.Sequential(*(_pooled_encoder if pooled else _strided_encoder)(architecture))
        self.mean = nn.Linear(architecture.features, latent)
        self.logvar = nn.Linear(architecture.features, latent) if stochastic else None
        height, width = architecture.decoder_sizes[0]
        self.bridge = nn.Linear(latent, architecture.decoder_widths[0] * height * width)
        self.decoder = nn.Sequential(*(_pooled_decoder if pooled else _strided_decoder)(architecture))

    def encode(self, x: Tensor) -> Tensor:
        """Latent vectors (of a stochastic encoder: their means) ``(N, D)`` float32 of images ``(N, C, H, W)``."""
        mean: Tensor = self.mean(self.encoder(x).flatten(1))
        return mean.float()

    def decode(self, z: Tensor) -> Tensor:
        """Logits of images ``(N, C, H, W)`` float32; the sigmoid of them is the reconstruction."""
        x = self.bridge(z).unflatten(1, (-1, *self.architecture.decoder_sizes[0]))
        logits: Tensor = self.decoder(x.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def forward(
        self, x: Tensor, noise: Tensor | None = None, decoded: int | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Encode and decode.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images in [0, 1].
        noise : Tensor, shape (N, D), optional
            A draw from N(0, I), for a stochastic encoder; default: decode the mean.
        decoded : int, optional
            Decode the first so many only.

        Returns
        -------
        z, logits, mean : Tensor
            The vectors, what they were decoded to, and the mean that the vector was drawn around.
        logvar : Tensor or None
            Of a stochastic encoder.
        """
        features = self.encoder(x).flatten(1)
        mean = z = self.mean(features).float()
        logvar = None if self.logvar is None else self.logvar(features).float()
        if logvar is not None and noise is not None:
            z = mean + noise * torch.exp(0.5 * logvar)
        return z, self.decode(z[:decoded]), mean, logvar


def _pooled_encoder(architecture: Architecture) -> Iterator[nn.Module]:
    channels = (architecture.shape[0], *architecture.widths)
    for inputs, outputs in pairwise(channels[:-1]):
        yield from (nn.Conv2d(inputs, outputs, 3, padding=1), nn.ELU(), nn.AvgPool2d(2))
    yield from (nn.Conv2d(channels[-2], channels[-1], 5, padding=2), nn.ELU())


def _pooled_decoder(architecture: Architecture) -> Iterator[nn.Module]:
    widths = architecture.decoder_widths
    for i, (inputs, outputs) in enumerate(pairwise((widths[0], *widths))):
        kernel = 5 if i == 0 else 3
        yield from (nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ELU())
        yield nn.Upsample(architecture.decoder_sizes[i + 1], mode="bilinear", align_corners=False)
    yield nn.Conv2d(widths[-1], architecture.shape[0], 3, padding=1)


def _strided_encoder(architecture: Architecture) -> Iterator[nn.Module]:
    for i, (inputs, outputs) in enumerate(pairwise((architecture.shape[0], *architecture.widths))):
        kernel = 5 if i < 2 else 3
        yield from (nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2), nn.ELU())


def _strided_decoder(architecture: Architecture) -> Iterator[nn.Module]:
    widths = (*architecture.decoder_widths, architecture.shape[0])
    for (inputs, outputs), (_, size) in zip(pairwise(widths), pairwise(architecture.decoder_sizes), strict=True):
        yield nn.ELU()
        # From ceil(n / 2) pixels a kernel of 4 makes an even n, one of 3 an odd one.
        kernel = (4 - size[0] % 2, 4 - size[1] % 2)
        yield nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=1)


class Clusterer(nn.Module):
    """An autoencoder with cluster centres that are learned with it, and what the clustering stage aims at.

    Parameters
    ----------
    autoencoder : Autoencoder
        After the first stage.
    centres : Tensor, shape (K, D)
        Where the clusters start.
    samples : int
        How many samples there are in all: each has a row of the target distribution.

    Notes
    -----
    The targets are made once per epoch and are buffers, so that a fit that was stopped within an epoch goes on with
    those it had.
    """

    target: Tensor
    assigned: Tensor
    share: Tensor
    made: Tensor

    def __init__(self, autoencoder: Autoencoder, centres: Tensor, samples: int) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.centres = nn.Parameter(centres.clone().float())
        self.register_buffer("target", torch.zeros(samples, len(centres)))
        self.register_buffer("assigned", torch.full((samples,), -1))
        self.register_buffer("share", torch.ones(len(centres)))
        self.register_buffer("made", torch.tensor([-1.0, 1.0]))  # in which epoch, and the share that had changed

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents ``(N, D)``, logits of the reconstruction ``(N, C, H, W)``, soft assignment ``(N, K)``."""
        z, logits, _, _ = self.autoencoder(x)
        return z, logits, soft_assignment(z, self.centres)
