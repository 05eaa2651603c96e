"""Adaptable-depth variational autoencoder: unsupervised vectors of single cells."""

import lazy_loader

from coverslip.methods.vae.card import CARD as CARD

FACTS = {"shape": list, "normaliser": dict, "negative_elbo_quantiles": list}
"""Facts that predicting needs, and what they are."""

WEIGHTS = {"kl": "beta"}
"""Terms of the loss, and the settings that they are multiplied with in it."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["encode", "decode", "reconstruct", "sample", "interpolate", "traverse"],
        "pictures": ["illustrate"],
        "summary": ["depths", "layers"],
    },
)
