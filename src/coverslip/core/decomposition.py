"""The result of explaining an image object by object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize

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
        image = self.background.astype(np.float32, copy=True)
        for place, pixels in zip(self.places(), self.pixels, strict=True):
            image[place] += pixels
        return image

    def places(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the image that each object's mask fills."""
        corners = zip(self.objects["top_px"].tolist(), self.objects["left_px"].tolist(), strict=True)
        return [
            (slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1]))
            for (top, left), mask in zip(corners, self.masks, strict=True)
        ]

    def layers(self) -> tuple[np.ndarray, np.ndarray]:
        """Label images that lose no overlap: objects in one layer never share a pixel.

        Returns
        -------
        labels : ndarray of int32, shape (L, H, W)
            Object numbers, 0 where there is none; at least one layer. Each object lies, whole, in the first layer that
            has room for it.
        pixels : ndarray of float32, same shape
            The grey values that they add.
        """
        labels, pixels = [np.zeros(self.labels.shape, np.int32)], [np.zeros(self.labels.shape, np.float32)]
        parts = zip(self.objects["object"].tolist(), self.places(), self.masks, self.pixels, strict=True)
        for number, place, mask, added in parts:
            free = next((i for i, layer in enumerate(labels) if not layer[place][mask].any()), len(labels))
            if free == len(labels):
                labels.append(np.zeros_like(labels[0]))
                pixels.append(np.zeros_like(pixels[0]))
            labels[free][place][mask] = number
            pixels[free][place][mask] = added[mask]
        return np.stack(labels), np.stack(pixels)
