"""Whole sections: cells and regions found, named and counted."""

import lazy_loader

from coverslip.methods.section.card import CARD as CARD

FACTS = {"inputs": int, "classes": list, "anchors": list, "margin": int}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "epochs": ["steps_per_epoch"],
        "prediction": ["predict"],
        "inference": ["Finder"],
        "summary": ["layers"],
        "options": ["Options"],
    },
)
