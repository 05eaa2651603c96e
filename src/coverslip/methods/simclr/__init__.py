"""Contrastive learning from two views of an image (SimCLR): vectors of whole images or cells, without labels."""

import lazy_loader

from coverslip.methods.simclr.card import CARD as CARD

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "options": ["Options"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["features"],
        "invariance": ["distances"],
        "pictures": ["illustrate"],
        "summary": ["layers"],
    },
)
