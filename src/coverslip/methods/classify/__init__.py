"""Classes of images or cells from few labels: small networks with the losses of their sources, or simple baselines."""

import lazy_loader

from coverslip.methods.classify.card import CARD as CARD

FACTS = {"classes": list, "shape": list, "normaliser": dict, "temperature": float}
"""What predicting needs of the facts."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config", "one_size"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["activation_maps"],
        "pictures": ["illustrate"],
        "summary": ["layers"],
        "portability": ["portable"],
    },
)
