"""One training loop for every method.

Devices, precision, checkpoints, exact resume, early stopping, history, progress.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {"Run": "run", "Outcome": "loop", "train": "loop"}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
