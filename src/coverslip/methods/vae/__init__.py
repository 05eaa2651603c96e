"""Adaptable-depth variational autoencoder: unsupervised vectors of single cells."""

from importlib import import_module
from typing import Any

from coverslip.core.card import Card

CARD = Card(
    name="vae",
    summary="A variational autoencoder whose depth follows the image size: one short vector per cell, without labels.",
    citation=(
        "Anna Kovács, Unsupervised Deep Learning to Study Microscopy Images: Leveraging Adaptable Variational "
        "Autoencoders for Microscopy-Based Cell Fate Analysis, degree project, KTH Royal Institute of Technology "
        "(chapters 3-4, Appendix A); beta-VAE: Higgins et al., ICLR 2017; VAE: Kingma and Welling, 2014."
    ),
    takes="Equally sized crops of single cells, (N, C, H, W), any channel count, H and W at least 8 pixels, any dtype.",
    gives="An Embedding: the posterior mean of each crop, (N, latent) float32, dimensionless, near N(0, 1) per axis.",
    notation={
        "x, x̂": "a crop scaled to [0, 1] and its reconstruction",
        "z, mu, logvar": "latent vector, mean and log-variance of its posterior q(z|x) = N(mu, exp(logvar))",
        "beta": "weight of the KL term in the loss",
        "L": "number of down-sampling blocks, the depth",
    },
)

_EXPORTS = {
    "Config": "config",
    "fit": "fitting",
    "predict": "prediction",
    "encode": "inference",
    "decode": "inference",
    "reconstruct": "inference",
    "sample": "inference",
    "interpolate": "inference",
    "traverse": "inference",
    "illustrate": "pictures",
    "layers": "summary",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
