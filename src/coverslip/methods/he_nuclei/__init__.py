"""Nuclei of stained sections, found without an annotation, and adapted to each image."""

import lazy_loader

from coverslip.methods.he_nuclei.card import CARD as CARD

FACTS = {"margin": int}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["Segmenter"],
        "options": ["Options", "Refine"],
        "decoding": ["remade"],
    },
)
