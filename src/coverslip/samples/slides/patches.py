"""Patches of slides: not blank, not overlapping, drawn at random, and listed in a sheet."""

from __future__ import annotations

import numpy as np

from coverslip.core import Region
from coverslip.io.images.slides import Slide
from coverslip.samples.slides.tissue import Tissue

_TISSUE = 0.5
"""Share of a patch that is tissue, at least."""


def tissue_grid(slide: Slide, tissue: Tissue, side: int, least: float = _TISSUE) -> list[Region]:
    """All squares of a grid, in reading order, that lie in the slide and show enough tissue.

    Parameters
    ----------
    slide : Slide
    tissue : Tissue
        Of it.
    side : int
        Pixels of the full resolution along each side.
    least : float
        Share of a square that is tissue, at least, 0 to 1.
    """
    found = []
    for y in range(0, slide.height - side + 1, side):
        for x in range(0, slide.width - side + 1, side):
            region = Region(y, x, side, side)
            if tissue.share(region) >= least:
                found.append(region)
    return found


def drawn_patches(
    slide: Slide, tissue: Tissue, count: int, side: int, *, least: float = _TISSUE, seed: int = 0
) -> list[Region]:
    """Some squares of tissue, drawn at random without overlap; fewer where there are no more. In reading order."""
    every = tissue_grid(slide, tissue, side, least)
    chosen = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[i] for i in sorted(chosen.tolist())]
