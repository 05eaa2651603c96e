"""U-Net: nuclei and cells as objects, from fluorescence, phase contrast or several planes of transmitted light."""

import lazy_loader

from coverslip.methods.unet.card import CARD as CARD

FACTS = {"inputs": int, "margin": int, "decoding": dict}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "epochs": ["steps_per_epoch"],
        "prediction": ["predict"],
        "inference": ["Segmenter", "segment"],
        "summary": ["layers"],
        "portability": ["portable"],
        "options": ["Options"],
    },
)
