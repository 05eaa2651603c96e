"""The result of explaining an image object by object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.layers import layers_of
from coverslip.core.region import Region
from coverslip.core.words import number_of

COLUMNS = ("object", "y_px", "x_px", "top_px", "left_px", "area_px", "pass", "round", "gain", "confidence", "generator")
"""Columns that every table of objects has, in this order; see `Decomposition`."""

ROUND_COLUMNS = ("pass", "round", "proposals", "accepted", "loss", "explained")
"""Columns of the table of rounds."""


@dataclass(frozen=True, repr=False)
class Decomposition:
    """An image as the sum of a background and generated objects, which may overlap.

    Where light was `absorbed`, read optical density for grey values: it is what adds up there.

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
    zoom : float
        At which the model was shown the image: below 1, if its objects are larger than those it was fitted to.
    inverted : bool
        Whether it was shown with light and dark exchanged.
    absorbed : bool
        Whether its objects absorb light, and what is decomposed is the optical density ``-ln(I)``, 0 where a pixel is
        as bright as can be.
    doubts : tuple of str
        Why the model may not fit the image, in words; empty where nothing speaks against it.
    expected_iou : float
        The IoU with the truth that the model expects of all it found; NaN where it does not say.
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
    zoom: float = 1.0
    inverted: bool = False
    absorbed: bool = False
    doubts: tuple[str, ...] = ()
    expected_iou: float = float("nan")

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

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return f"Decomposition({number_of(len(self), 'object')} in {height} x {width} pixels, source={self.source!r})"

    def _repr_html_(self) -> str:
        from coverslip.core.pictures import shown

        return shown(repr(self), self.labels)

    @property
    def internal(self) -> np.ndarray:
        """The image as it is explained: background and objects, ``(H, W)`` float32 grey values."""
        return self.explained()

    def explained(self, region: Region | None = None) -> np.ndarray:
        """The same of a region, default all, ``(h, w)``."""
        region = region or self._whole
        image = self.background[region.slices].astype(np.float32, copy=True)
        for index, place, part in self._within(region):
            image[place] += self.pixels[index][part]
        return image

    def places(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the image that each object's mask fills."""
        return [box.slices for box in self._boxes]

    @cached_property
    def layer_of(self) -> np.ndarray:
        """In which of the layers each object lies, ``(n,)``: the first in which it shares no pixel with one before it.

        Objects in one layer never share a pixel, so that layers lose no overlap.
        """
        return layers_of(self._boxes, self.masks)

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
        for index, place, part in self._within(region):
            if self.layer_of[index] == number:
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
    def _boxes(self) -> list[Region]:
        """What the mask of each object fills."""
        corners = zip(self.objects["top_px"].tolist(), self.objects["left_px"].tolist(), strict=True)
        return [Region(*corner, *mask.shape) for corner, mask in zip(corners, self.masks, strict=True)]

    @cached_property
    def _ends(self) -> np.ndarray:
        """First and half-open last rows and columns of the boxes, ``(4, n)``: to look at all of them at once."""
        return np.array([(box.y, box.stop_y, box.x, box.stop_x) for box in self._boxes], np.int64).reshape(-1, 4).T

    def _within(self, region: Region) -> Iterator[tuple[int, tuple[slice, slice], tuple[slice, slice]]]:
        """Objects that reach into a region, in their order: where in the region, and which part of their box."""
        y, stop_y, x, stop_x = self._ends
        reaches = (y < region.stop_y) & (stop_y > region.y) & (x < region.stop_x) & (stop_x > region.x)
        for index in np.flatnonzero(reaches).tolist():
            place, part = region.shared(self._boxes[index])  # type: ignore[misc]  # there is such a place
            yield index, place, part
