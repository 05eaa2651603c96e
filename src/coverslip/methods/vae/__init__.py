"""Adaptable-depth variational autoencoder: unsupervised vectors of single cells."""

from importlib import import_module
from typing import Any

from coverslip.methods.vae.card import CARD as CARD

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
