"""Order along a scale between classes that are known at its ends, such as untreated and treated spheroids."""

import lazy_loader

from coverslip.methods.rank.card import CARD as CARD

FACTS = {"width": int, "folds": dict, "parts": int, "fitted_on": dict, "anchors": list}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "distances": ["DISTANCES"],
        "fitting": ["fit"],
        "prediction": ["predict"],
    },
)
