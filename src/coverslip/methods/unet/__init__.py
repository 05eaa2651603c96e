"""U-Net: nuclei and cells as objects, from fluorescence, phase contrast or several planes of transmitted light."""

import lazy_loader

from coverslip.methods.unet.card import CARD as CARD

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
