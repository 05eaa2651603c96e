"""U-Net: nuclei and cells as objects, from fluorescence, phase contrast or several planes of transmitted light."""

from importlib import import_module
from typing import Any

from coverslip.methods.unet.card import CARD as CARD

_EXPORTS = {
    "Config": "config",
    "fit": "fitting",
    "steps_per_epoch": "epochs",
    "predict": "prediction",
    "Segmenter": "inference",
    "segment": "inference",
    "layers": "summary",
    "portable": "portability",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
