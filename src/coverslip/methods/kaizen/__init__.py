"""Kaizen: an image explained object by object, by a generator that proposes and a loss that decides."""

from importlib import import_module
from typing import Any

from coverslip.methods.kaizen.card import CARD as CARD

_EXPORTS = {
    "Config": "config",
    "Search": "search",
    "fit": "fitting",
    "steps_per_epoch": "epochs",
    "predict": "prediction",
    "Decomposer": "prediction",
    "layers": "summary",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
