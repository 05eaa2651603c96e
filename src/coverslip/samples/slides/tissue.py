"""Where a slide has tissue, and what its empty glass looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import InputError, Region
from coverslip.core.words import number_of
from coverslip.io.images.slides import Slide

_FACTOR = 32.0
"""How many times smaller than the full resolution tissue is looked for."""
_STRIP = 2048
_BRIGHT = 170
"""Glass is at least as bright as this in its darkest colour."""
_UNSEEN = 254
_NEAR = 14
"""Grey values that glass may differ from its colour: noise of the sensor and of JPEG."""
_LEAST = 0.002
"""Share of a slide that must look like glass for it to have any."""


@dataclass(frozen=True)
class Tissue:
    """Where a slide has tissue.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        At a coarse resolution.
    factor : float
        How many pixels of the full resolution one of the mask is, along each side.
    glass : ndarray of uint8, shape (3,), or None
        The colour of empty glass; None where there is none.
    """

    mask: np.ndarray
    factor: float
    glass: np.ndarray | None

    def share(self, region: Region) -> float:
        """The share of a region of the full resolution that is tissue."""
        top, left = int(region.y / self.factor), int(region.x / self.factor)
        bottom, right = (int(np.ceil(stop / self.factor)) for stop in (region.stop_y, region.stop_x))
        part = self.mask[top : max(bottom, top + 1), left : max(right, left + 1)]
        return float(part.mean()) if part.size else 0.0

    def is_glass(self, pixels: np.ndarray) -> bool:
        """Whether pixels ``(H, W, 3)`` of the full resolution show nothing but glass: all but one in a thousand do."""
        if self.glass is None:
            return False
        far = np.abs(pixels.astype(np.int16) - self.glass).max(2) > _NEAR
        return bool(far.mean() < 0.001)


def find_tissue(slide: Slide) -> Tissue:
    """Find the tissue of a slide: what is unlike its glass, at about a thirty-second of its resolution.

    Glass is the most frequent bright colour without a hue; what differs from it by more than noise is tissue, and so
    are holes in it of a few pixels. Nothing is assumed of the stain.

    Parameters
    ----------
    slide : Slide
        RGB of 8 bits.

    Returns
    -------
    Tissue

    Raises
    ------
    InputError
        If the slide is no RGB image of 8 bits.
    """
    first = slide.levels[0]
    if first.shape[0] < 3 or first.dtype != np.uint8:
        raise InputError(
            f"{slide.source} has {number_of(first.shape[0], 'channel')} of {first.dtype}; tissue is found in RGB "
            "slides of 8 bits."
        )
    coarse, factor = overview(slide)
    glass = _glass(coarse)
    if glass is None:
        return Tissue(np.ones(coarse.shape[:2], bool), factor, None)
    from scipy import ndimage

    far = (np.abs(coarse.astype(np.int16) - glass).max(2) > _NEAR) & (coarse.min(2) < _UNSEEN)
    solid = ndimage.binary_opening(far)
    mask = ndimage.binary_closing(solid, iterations=2) | far & ndimage.binary_dilation(solid, iterations=2)
    return Tissue(mask, factor, glass)


def overview(slide: Slide, factor: float = _FACTOR) -> tuple[np.ndarray, float]:
    """The whole slide ``(H, W, 3)`` at about a resolution, from its own levels, and how many times smaller that is.

    A slide without a level as coarse is read in strips of rows, of which means are taken.
    """
    most = max(min(factor, min(slide.height, slide.width) / 64), 1.0)
    level = slide.level_for(most)
    own = slide.factors[level]
    step = max(round(most / own), 1)
    image = slide.levels[level]
    rows = []
    strip = _STRIP // step * step or step
    for top in range(0, image.height, strip):
        height = min(strip, image.height - top)
        rows.append(shrunk(slide.read(Region(top, 0, height, image.width), level)[..., :3], step))
    return np.concatenate(rows), own * step


def shrunk(pixels: np.ndarray, step: int) -> np.ndarray:
    """Pixels ``(H, W, C)`` as means of squares of some pixels; those at the end may be of fewer."""
    if step == 1:
        return pixels
    height, width = pixels.shape[:2]
    pad = (-height % step, -width % step)
    if any(pad):
        pixels = np.pad(pixels, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="edge")
    parts = pixels.reshape(pixels.shape[0] // step, step, pixels.shape[1] // step, step, pixels.shape[2])
    return np.rint(parts.mean((1, 3), dtype=np.float32)).astype(pixels.dtype)


def _glass(coarse: np.ndarray) -> np.ndarray | None:
    values = coarse.reshape(-1, 3).astype(np.int16)
    low, high = values.min(1), values.max(1)
    bright = (low >= _BRIGHT) & (high - low <= 20)
    # Pure white is what scanners fill in where they have not looked; glass is, unless there is nothing else.
    seen = bright & (low < _UNSEEN)
    least = max(_LEAST * len(values), 4)
    grey = values[seen if seen.sum() >= least else bright]
    if len(grey) < least:
        return None
    counts = np.bincount(grey.min(1), minlength=256)
    peak = int(np.convolve(counts, np.ones(5), "same").argmax())
    near = grey[np.abs(grey.min(1) - peak) <= 4]
    return np.median(near, axis=0).astype(np.uint8)
