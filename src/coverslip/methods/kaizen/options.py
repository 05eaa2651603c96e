"""Options of decomposing with Kaizen."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from coverslip.core import Options as Base
from coverslip.core import flag


class Options(Base):
    """Of `predict` and of `Decomposer`."""

    diameter: str | None = flag(None, "How large the objects are: 30 (pixels) or 12um; default: told from each image.")
    light: Literal["emitted", "absorbed"] | None = flag(
        None, "Objects send light, or absorb it (dark ones in transmitted light); default: as in the fit."
    )
    min_confidence: float | None = flag(None, "Least confidence of objects, 0 to 1; default: the model's.", ge=0, le=1)
    min_area: int | None = flag(None, "Smallest object, pixels; default: the model's.", ge=0)
    drop_border: bool = flag(False, "Leave out objects that touch the border of the image.")
    fill_holes: bool = flag(False, "Fill the holes of objects.")
    search: dict[str, Any] | None = Field(None, description='Of how it searches, what is replaced: {"passes": 3}.')
