"""Deep clustering: an autoencoder whose latents are drawn into groups, without labels."""

import lazy_loader

from coverslip.methods.deep_cluster.card import CARD as CARD

WEIGHTS = {"mmd": "regularisation", "kl": "regularisation", "clustering": "beta"}
"""Terms of the loss, and the settings that they are multiplied with in it."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["encode", "reconstruct"],
        "pictures": ["illustrate"],
        "proposal": ["propose"],
        "summary": ["layers"],
    },
)
