"""A learned codec of slides: convolutional latents, expected from their neighbours, entropy-coded."""

import lazy_loader

from coverslip.methods.slide_codec.card import CARD as CARD

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "fitting": ["fit"],
        "prediction": ["predict"],
        "inference": ["Coder"],
    },
)
