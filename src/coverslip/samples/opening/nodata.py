"""Pixels that hold no image: the margins of one value that stitching, rotation and registration leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, Region
from coverslip.samples.opening.looks import looks

_SIDE = 7
"""Only areas that hold a square of this side are without data; single dark pixels are pixels."""
_SLACK = 3
"""So far from such squares a pixel of the value is still of the area: its edge may be slanted."""
_REACH = _SIDE - 1 + _SLACK
_RUN = 16
"""So many equal pixels in a row at the edge of an image make the value a candidate."""
_NEAR = 12
_BLENDED = 3
"""So near to an area, pixels may be mixed with it, as interpolation leaves them."""
_RARE = 0.02
_ABRUPT = 0.5
_ROOM = 0.5
_LEFT = 0.1
"""Less of an image than this is not left by a margin: it is an object on a background of one value."""


@dataclass(frozen=True)
class NoData:
    """The value of areas that hold no image.

    Parameters
    ----------
    value : tuple of float
        Grey value of each channel there.
    """

    value: tuple[float, ...]

    @classmethod
    def of(cls, fields: Fields, index: int, seen: Sequence[tuple[Region, np.ndarray]] | None = None) -> NoData | None:
        """Of a field, as ``fields.nodata`` says; None where there are no such areas.

        Parameters
        ----------
        fields, index
            The field.
        seen : sequence of (Region, ndarray), optional
            From `looks`, where they are at hand.

        Notes
        -----
        By itself (``"auto"``) a value is taken for none only if it fills an area at the edge of the image,

        - beside which it hardly occurs: dark background that the camera cut off at 0 has zeros all along its border,
        - that ends abruptly, not in steps, as the light of objects on a background of one value would,
        - and that leaves room to images: what is left is made of squares of an eighth of the shorter side. Objects cut
          out of their background are not, nor is an object that fills less than a tenth of the image.
        """
        if fields.nodata == "none":
            return None
        if fields.nodata != "auto":
            return cls((float(fields.nodata),) * fields.count)
        seen = list(looks(fields, index)) if seen is None else seen
        size = fields.size(index)
        value = _candidate(seen, size)
        found = None if value is None else cls(value)
        return found if found is not None and found._is_margin(seen, size) else None

    def read(self, fields: Fields, index: int, region: Region | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Pixels ``(C, h, w)`` of a region, default all, and which of them hold no image, ``(h, w)``.

        The same for every way to cut the field into regions.
        """
        size = fields.size(index)
        region = region or Region(0, 0, *size)
        wide = region.grown(_REACH, *size)
        pixels = fields.pixels(index, wide)
        own = Region(region.y - wide.y, region.x - wide.x, region.height, region.width).slices
        return pixels[:, *own], self.where(pixels, wide, size)[own]

    def where(self, pixels: np.ndarray, region: Region, size: tuple[int, int]) -> np.ndarray:
        """Which pixels ``(C, h, w)`` of a region hold no image, ``(h, w)``; exact but for 9 pixels along its borders.

        Beyond the border of the image, `size`, all counts as without data, so that margins may be thin.
        """
        from scipy import ndimage

        equal = self._equal(pixels)
        if not equal.any():
            return equal
        half = _SIDE // 2
        ends = (region.y == 0, region.stop_y == size[0]), (region.x == 0, region.stop_x == size[1])
        pads = [(half * first, half * last) for first, last in ends]
        solid = ndimage.minimum_filter(
            np.pad(equal, pads, constant_values=True).view(np.uint8), _SIDE, mode="constant", cval=1
        )
        near = ndimage.maximum_filter(solid, _SIDE + 2 * _SLACK, mode="constant").view(bool)
        (top, _), (left, _) = pads
        return equal & near[top : top + region.height, left : left + region.width]

    def _equal(self, pixels: np.ndarray) -> np.ndarray:
        return np.asarray((pixels == np.array(self.value)[:, None, None]).all(axis=0))

    def _is_margin(self, seen: Sequence[tuple[Region, np.ndarray]], size: tuple[int, int]) -> bool:
        side = int(np.clip(min(size) // 8, 16, 128)) | 1
        beside, equal_beside, valid, roomy = 0, 0, 0, 0
        edge, further = [], []
        for region, pixels in seen:
            empty = self.where(pixels, region, size)
            valid += int((~empty).sum())
            roomy += int(_opened(~empty, side).sum())
            close, far = _within(empty, _BLENDED), _within(empty, _NEAR)
            near = far & ~empty
            beside += int(near.sum())
            equal_beside += int(self._equal(pixels)[near].sum())
            distance = np.abs(pixels - np.array(self.value, np.float32)[:, None, None]).sum(0)
            edge.append(distance[_within(empty, 2 * _BLENDED) & ~close])
            further.append(distance[far & ~_within(empty, _NEAR - _BLENDED)])
        step, level = (float(np.median(joined)) if len(joined := np.concatenate(p)) else 0.0 for p in (edge, further))
        seen_pixels = sum(pixels[0].size for _, pixels in seen)
        return (
            valid >= _LEFT * seen_pixels
            and roomy >= _ROOM * valid
            and beside > 0
            and equal_beside <= _RARE * beside
            and step > _ABRUPT * level
        )


def statistics_mask(empty: np.ndarray) -> np.ndarray:
    """Which pixels ``(H, W)`` statistics look at: not those that hold no image, nor those mixed with them."""
    return ~_within(empty, _BLENDED)


def _candidate(seen: Sequence[tuple[Region, np.ndarray]], size: tuple[int, int]) -> tuple[float, ...] | None:
    """The value of most pixels in runs along the edge of the image; None where it is that of few."""
    lengths: Counter[tuple[float, ...]] = Counter()
    for region, pixels in seen:
        sides = (
            (region.y == 0, pixels[:, 0]),
            (region.stop_y == size[0], pixels[:, -1]),
            (region.x == 0, pixels[:, :, 0]),
            (region.stop_x == size[1], pixels[:, :, -1]),
        )
        for at_edge, line in sides:
            if at_edge:
                starts = np.flatnonzero(np.r_[True, (line[:, 1:] != line[:, :-1]).any(axis=0)])
                runs = np.diff(np.r_[starts, line.shape[1]])
                for start, run in zip(starts[runs >= _RUN], runs[runs >= _RUN], strict=True):
                    lengths[tuple(line[:, start].tolist())] += int(run)
    value, length = lengths.most_common(1)[0] if lengths else ((), 0)
    return value if length >= min(size) / 2 else None


def _within(mask: np.ndarray, reach: int) -> np.ndarray:
    """Pixels that are at most so far from the mask, or in it."""
    from scipy import ndimage

    return np.asarray(ndimage.maximum_filter(mask.view(np.uint8), 2 * reach + 1, mode="constant")).view(bool)


def _opened(mask: np.ndarray, side: int) -> np.ndarray:
    """Pixels of the mask that lie in squares of it; beyond the border of the array the mask goes on."""
    from scipy import ndimage

    eroded = ndimage.minimum_filter(mask.view(np.uint8), side, mode="constant", cval=1)
    return np.asarray(ndimage.maximum_filter(eroded, side, mode="constant")).view(bool)
