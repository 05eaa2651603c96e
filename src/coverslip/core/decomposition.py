"""The result of explaining an image object by object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.region import Region

COLUMNS = ("object", "y_px", "x_px", "top_px", "left_px", "area_px", "pass", "round", "gain", "confidence", "generator")
"""Columns that every table of objects has, in this order; see `Decomposition`."""

ROUND_COLUMNS = ("pass", "round", "proposals", "accepted", "loss", "explained")
"""Columns of the table of rounds."""


@dataclass(frozen=True)
class Decomposition:
    """An image as the sum of a background and generated objects, which may overlap.

    Parameters
    ----------
    source : str
        The image that was decomposed.
    labels : ndarray of int32, shape (H, W)
        The flat label image: each pixel has the number of one object at most, 0 is background. An object wholly
        covered by others has no pixel here.
    objects : mapping of str to ndarray, shape (n,)
        One row per object, numbered from 1 in the order they were accepted:

        ``object``; ``y_px``, ``x_px`` (centroid of its mask; the centre of the first pixel is 0, 0); ``top_px``,
        ``left_px`` (the first row and column of its mask); ``area_px``; ``pass`` (which error image it was found on;
        0: the image itself) and ``round`` within it, both from 0; ``gain`` (by how much it lowered the loss, its
        receipt: grey values summed over pixels); ``confidence`` (the IoU that the generator expects of its mask, 0 to
        1); ``generator`` (number of the model that made it, from 0).
    masks : tuple of ndarray of bool, each (h, w)
        The whole mask of each object, also where others cover it, from its ``top_px`` and ``left_px`` on.
    pixels : tuple of ndarray of float32, each (h, w)
        The grey values that each object adds to the image, 0 outside its mask.
    background : ndarray of float32, shape (H, W)
        Grey values where there is no object.
    rounds : mapping of str to ndarray, shape (r,)
        One row per round: ``pass``, ``round``, ``proposals``, ``accepted``, ``loss`` after it (mean absolute error,
        grey values) and ``explained`` (share of the first loss that is gone).
    pixel_size : PixelSize or None
        Micrometres per pixel, where known.
    provenance : mapping
        Inputs with hashes, models, seed and versions.
    """

    source: str
    labels: np.ndarray = field(repr=False)
    objects: Mapping[str, np.ndarray] = field(repr=False)
    masks: tuple[np.ndarray, ...] = field(repr=False)
    pixels: tuple[np.ndarray, ...] = field(repr=False)
    background: np.ndarray = field(repr=False)
    rounds: Mapping[str, np.ndarray] = field(repr=False)
    pixel_size: PixelSize | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, table, columns in (("objects", self.objects, COLUMNS), ("rounds", self.rounds, ROUND_COLUMNS)):
            missing = [column for column in columns if column not in table]
            if missing:
                raise InputError(f"{self.source}: the table of {name} has no column '{missing[0]}'.")
        if not len(self) == len(self.masks) == len(self.pixels):
            raise InputError(
                f"{self.source}: there are {len(self)} objects, {len(self.masks)} masks and {len(self.pixels)} images "
                "of objects; there should be as many of each."
            )

    def __len__(self) -> int:
        return len(self.objects["object"])

    @property
    def internal(self) -> np.ndarray:
        """The image as it is explained: background and objects, ``(H, W)`` float32 grey values."""
        return self.explained()

    def explained(self, region: Region | None = None) -> np.ndarray:
        """The same of a region, default all, ``(h, w)``."""
        region = region or self._whole
        image = self.background[region.slices].astype(np.float32, copy=True)
        for index in self._within(region):
            place, part = self._overlap(index, region)
            image[place] += self.pixels[index][part]
        return image

    def places(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the image that each object's mask fills."""
        return [(slice(top, bottom), slice(left, right)) for top, left, bottom, right in self._boxes.tolist()]

    @cached_property
    def layer_of(self) -> np.ndarray:
        """In which of the layers each object lies, ``(n,)``: the first in which it shares no pixel with one before it.

        Objects in one layer never share a pixel, so that layers lose no overlap.
        """
        layers = np.zeros(len(self), np.int64)
        side = max((max(mask.shape) for mask in self.masks), default=1)
        near: dict[tuple[int, int], list[int]] = {}  # objects by where they begin, in squares as wide as the widest
        for index, (top, left, _, _) in enumerate(self._boxes.tolist()):
            row, column = top // side, left // side
            around = [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
            taken = {layers[i] for square in around for i in near.get(square, ()) if self._share(i, index)}
            layers[index] = next(layer for layer in count() if layer not in taken)
            near.setdefault((row, column), []).append(index)
        return layers

    @property
    def depth(self) -> int:
        """How many layers there are, at least one."""
        return int(self.layer_of.max(initial=0)) + 1

    def layer(self, number: int, region: Region | None = None) -> tuple[np.ndarray, np.ndarray]:
        """A region of one of the layers, default all of it.

        Returns
        -------
        labels : ndarray of int32, shape (h, w)
            Object numbers, 0 where there is none.
        pixels : ndarray of float32, same shape
            The grey values that they add.
        """
        region = region or self._whole
        labels = np.zeros((region.height, region.width), np.int32)
        pixels = np.zeros(labels.shape, np.float32)
        for index in self._within(region):
            if self.layer_of[index] == number:
                place, part = self._overlap(index, region)
                mask = self.masks[index][part]
                labels[place][mask] = self.objects["object"][index]
                pixels[place][mask] = self.pixels[index][part][mask]
        return labels, pixels

    def layers(self) -> tuple[np.ndarray, np.ndarray]:
        """All layers, labels and pixels, each ``(L, H, W)``; see `layer`."""
        labels, pixels = zip(*(self.layer(number) for number in range(self.depth)), strict=True)
        return np.stack(labels), np.stack(pixels)

    @property
    def _whole(self) -> Region:
        return Region(0, 0, *self.labels.shape)

    @cached_property
    def _boxes(self) -> np.ndarray:
        """Of each object: top, left, and half-open bottom and right, ``(n, 4)``."""
        corner = np.stack([self.objects["top_px"], self.objects["left_px"]], 1).astype(np.int64)
        sizes = np.array([mask.shape for mask in self.masks], np.int64).reshape(-1, 2)
        return np.concatenate([corner, corner + sizes], 1)

    def _within(self, region: Region) -> list[int]:
        """Objects that reach into a region, in their order."""
        top, left, bottom, right = self._boxes.T
        reaches = (top < region.stop_y) & (bottom > region.y) & (left < region.stop_x) & (right > region.x)
        return [int(index) for index in np.flatnonzero(reaches)]

    def _overlap(self, index: int, region: Region) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where a region and the box of an object share pixels: in the region, and in the box."""
        top, left, bottom, right = self._boxes[index].tolist()
        y, x = max(top, region.y), max(left, region.x)
        height, width = min(bottom, region.stop_y) - y, min(right, region.stop_x) - x
        inside, own = (
            (slice(y - from_y, y - from_y + height), slice(x - from_x, x - from_x + width))
            for from_y, from_x in ((region.y, region.x), (top, left))
        )
        return inside, own

    def _share(self, one: int, other: int) -> bool:
        """Whether two objects have a pixel in common."""
        top, left, bottom, right = self._boxes[other].tolist()
        if not (self._boxes[one] * (1, 1, -1, -1) < (bottom, right, -top, -left)).all():
            return False
        inside, own = self._overlap(one, Region(top, left, bottom - top, right - left))
        return bool((self.masks[other][inside] & self.masks[one][own]).any())
