"""Which squares of a slide are looked at where it is searched or mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coverslip.core import InputError, Region
from coverslip.io.images.slides import Slide
from coverslip.io.listing import bare_name
from coverslip.samples.slides.areas import within
from coverslip.samples.slides.patches import drawn_patches, tissue_grid
from coverslip.samples.slides.tissue import Tissue, find_tissue

SIDE = 256
"""Pixels of the full resolution along each side of a patch, unless told otherwise."""


@dataclass(frozen=True)
class Patches:
    """Patches of tissue, none over another.

    Parameters
    ----------
    side : int
        Pixels of the full resolution along each side: 32, 64, … 2048, so that patches never cross a chunk of a store.
    count : int, optional
        So many, drawn at random; default: all.
    region : str, optional
        Where, as `coverslip.samples.slides.areas.within` reads it; default: everywhere.
    seed : int
        Decides which are drawn.
    """

    side: int = SIDE
    count: int | None = None
    region: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.side not in (32, 64, 128, 256, 512, 1024, 2048):
            raise InputError(f"The side of a patch is a power of two from 32 to 2048 pixels, not {self.side}.")
        if self.count is not None and self.count < 1:
            raise InputError(f"At least one patch of each slide is needed, not {self.count}.")

    def of(self, slide: Slide) -> tuple[list[Region], Tissue]:
        """The patches of a slide, in reading order, and its tissue; an image smaller than a patch is one.

        Raises
        ------
        InputError
            If there are none.
        """
        tissue = find_tissue(slide)
        if min(slide.height, slide.width) < self.side:
            height, width = (min(n, self.side) for n in (slide.height, slide.width))
            y, x = ((n - self.side) // 2 // self.side * self.side for n in (slide.height, slide.width))
            return [Region(max(y, 0), max(x, 0), height, width)], tissue
        if self.region is not None:
            found = within(tissue_grid(slide, tissue, self.side), self.region, slide.pixel_size)
        elif self.count is not None:
            found = drawn_patches(slide, tissue, self.count, self.side, seed=self.seed)
        else:
            found = tissue_grid(slide, tissue, self.side)
        if not found:
            raise InputError(f"No square of {self.side} pixels of {slide.source} is tissue; choose a smaller patch.")
        return found, tissue


def facts_of(
    slide: Slide, image: Path, regions: list[Region], tissue: Tissue, row: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """What is known of patches, as columns.

    ``image`` and ``window_px`` (which together name a patch in a sheet, too), ``slide``, ``x_um`` and ``y_um`` of its
    middle (``x_px`` and ``y_px``, where the size of pixels is not known), ``tissue_share``, and the row of the slide.
    """
    middles = np.array([(r.x + r.width / 2, r.y + r.height / 2) for r in regions]).reshape(-1, 2)
    size, unit = slide.pixel_size, "px"
    if size is not None:
        middles, unit = middles * (size.x, size.y), "um"
    own: dict[str, np.ndarray] = {
        "image": np.array([str(image)] * len(regions), object),
        "window_px": np.array([region.text for region in regions], object),
        "slide": np.array([bare_name(image)] * len(regions), object),
        f"x_{unit}": middles[:, 0],
        f"y_{unit}": middles[:, 1],
        "tissue_share": np.array([tissue.share(region) for region in regions]),
    }
    return own | {name: np.array([text] * len(regions), object) for name, text in row.items() if name not in own}
