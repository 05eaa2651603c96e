"""Lengths in micrometres, whatever unit a file uses."""

from __future__ import annotations

from math import isfinite
from typing import Any

MICROMETRES = {
    **dict.fromkeys(["µm", "μm", "um", "micron", "micrometer", "micrometre", "\\u00b5m"], 1.0),
    **dict.fromkeys(["nm", "nanometer", "nanometre"], 1e-3),
    **dict.fromkeys(["å", "angstrom"], 1e-4),
    **dict.fromkeys(["pm", "picometer", "picometre"], 1e-6),
    **dict.fromkeys(["mm", "millimeter", "millimetre"], 1e3),
    **dict.fromkeys(["cm", "centimeter", "centimetre"], 1e4),
    **dict.fromkeys(["m", "meter", "metre"], 1e6),
    **dict.fromkeys(["in", "inch", "inche"], 25_400.0),
}
"""Micrometres in one of each unit; the names are in lower case, and singular."""


def micrometres(value: Any, unit: str) -> float | None:
    """A length in micrometres, or None where the file gives no positive number or a unit that is no length."""
    name = str(unit).strip().lower()
    factor = MICROMETRES.get(name.removesuffix("s") if len(name) > 3 else name)
    try:
        length = float(value)
    except (TypeError, ValueError):
        return None
    return length * factor if factor is not None and isfinite(length) and length > 0 else None
