"""Many fits, one table, one figure: sweeps of settings, learning curves, groups left out, focal planes.

Users see this room as ``coverslip.study``. Every name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverslip.study.learning import learning_curve
    from coverslip.study.leaving import leave_one_out
    from coverslip.study.output import Findings
    from coverslip.study.planes import focal_planes
    from coverslip.study.sweep import run_sweep

_EXPORTS = {
    "Findings": "output",
    "focal_planes": "planes",
    "learning_curve": "learning",
    "leave_one_out": "leaving",
    "run_sweep": "sweep",
}

__all__ = ["Findings", "focal_planes", "learning_curve", "leave_one_out", "run_sweep"]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
