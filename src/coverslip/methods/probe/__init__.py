"""A calibrated linear classifier on vectors that another method made."""

import lazy_loader

from coverslip.methods.probe.card import CARD as CARD

FACTS = {"classes": list}
"""What predicting needs to know."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"config": ["Config"], "fitting": ["fit"], "prediction": ["predict"]}
)
