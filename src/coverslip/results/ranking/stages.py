"""Pictures of how images of spheroids were made ready, beside what was made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.figures.spheroids import Stage, stages
from coverslip.figures.style import save_figure
from coverslip.samples.sheets.sheet import Sheet
from coverslip.samples.spheroids.prepare import Prepared

STAGES, REJECTED = "stages.png", "rejected.png"

_USABLE, _REJECTED, _SIDE = 18, 60, 200


class Stages:
    """Keeps small pictures while images are prepared, for `prepare_spheroids`."""

    def __init__(self) -> None:
        self.usable: list[Stage] = []
        self.rejected: list[Stage] = []

    def watch(self, image: Prepared) -> None:
        """Keep the first usable images, and those that are rejected for what they show."""
        kept, most = (self.rejected, _REJECTED) if image.flags else (self.usable, _USABLE)
        if len(kept) < most:
            step = max(1, max(image.whole.shape) // _SIDE)
            spheroid, debris = (mask[::step, ::step] for mask in (image.found.spheroid, image.found.debris))
            place = (image.corner[0] / step, image.corner[1] / step, image.side / step)
            picture = image.whole[::step, ::step].astype(np.float32)
            kept.append(
                Stage(image.name.removesuffix(".tif"), ", ".join(image.flags), picture, spheroid, debris, place)
            )

    def write(self, sheet: Sheet, folder: Path) -> None:
        """Write the pictures into the folder."""
        for shown, name in ((self.usable, STAGES), (self.rejected, REJECTED)):
            if shown:
                save_figure(stages(shown), folder / name, dpi=150)
