"""Nuclei of stained sections."""
import lazy_loader
from coverslip.methods.he_nuclei.card import CARD as CARD
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"config": ["Config"]})
