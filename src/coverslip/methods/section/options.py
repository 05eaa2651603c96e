"""Options of predicting with a section model."""

from __future__ import annotations

from coverslip.core import Options as Base
from coverslip.core import flag
from coverslip.measure.detections.staging import LEAST_SHARE


class Options(Base):
    """Of `predict` and of `Finder`."""

    rotations: int = flag(
        4,
        "Look at each tile in so many directions and let them vote: 4 (0, 90, 180, 270°), 2 (0, 180°) or 1.",
        ge=1,
        le=4,
    )
    threshold: float | None = flag(None, "Least score of objects; default: the model's.", gt=0, lt=1)
    least_votes: int | None = flag(None, "Least number of directions that find an object; default: half of them.", ge=1)
    least_share: float = flag(
        LEAST_SHARE, "Share of the votes that a region's class needs; below it the region is not staged.", ge=0, le=1
    )
    tile: int | None = flag(None, "Side of the tiles, pixels shown, without their margins; default: 512.", ge=64)
