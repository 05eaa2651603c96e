"""Kaizen: an image explained object by object, by a generator that proposes and a loss that decides."""

import lazy_loader

from coverslip.methods.kaizen.card import CARD as CARD

FACTS = {"inputs": int, "margin": int, "search": dict}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "search": ["Search"],
        "fitting": ["fit"],
        "epochs": ["steps_per_epoch"],
        "prediction": ["predict", "Decomposer"],
        "summary": ["layers"],
        "options": ["Options"],
    },
)
