"""Options of segmenting with a U-Net."""

from __future__ import annotations

from coverslip.core import Options as Base
from coverslip.core import flag


class Options(Base):
    """Of `predict` and of `Segmenter`."""

    flips: bool = flag(False, "Average over four flips; slower, a little better.")
    threshold: float | None = flag(None, "Foreground probability of objects; default: the model's.", gt=0, lt=1)
    min_area: int | None = flag(None, "Smallest object, pixels; default: the model's.", ge=0)
    drop_border: bool = flag(False, "Leave out objects that touch the border of the image.")
    fill_holes: bool = flag(False, "Fill the holes of objects.")
