"""Options of embedding with SimCLR."""

from __future__ import annotations

from typing import Literal

from coverslip.core import Options as Base
from coverslip.core import flag


class Options(Base):
    """Of `predict`."""

    features: Literal["before", "after"] = flag("before", "Vectors before the projection head, or after it.")
    orientations: Literal["one", "all"] = flag(
        "one", "'all': the mean over the turned and flipped images, so that it counts less how a cell lies."
    )
