"""From the two maps to objects: mixing, markers, watershed. Nothing here needs the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from coverslip.classical.foreground import clean
from coverslip.classical.touching import join_shallow

_DEEPEST = 1.3
_APART = 5
"""Tops are at least so large a part of a diameter apart."""


@dataclass(frozen=True)
class Decoding:
    """How maps become objects.

    Parameters
    ----------
    alpha : float
        Weight of the attention map; the network's has the rest.
    threshold : float
        Nuclei are where the mixed map is above this.
    min_area : float
        Smaller objects are left out, as a share of a disc of the typical diameter.
    neck : float
        Two tops of the centre map are of one nucleus where the pass between them reaches this share of the lower one.
    """

    alpha: float = 0.5
    threshold: float = 0.6
    min_area: float = 0.2
    neck: float = 0.9

    def mixed(self, attention: np.ndarray, network: np.ndarray) -> np.ndarray:
        """The map z, equation 4.1: both maps are in [0, 1] and have their threshold at 1/2."""
        return self.alpha * attention + (1 - self.alpha) * network

    def labels(self, maps: np.ndarray, diameter: float, min_area: float | None = None) -> np.ndarray:
        """Objects.

        Parameters
        ----------
        maps : ndarray, shape (3, H, W)
            Attention, network, and how central a pixel is in its nucleus; all in [0, 1].
        diameter : float
            Of a typical nucleus, pixels.
        min_area : float, optional
            Smaller objects are left out, pixels; default: as the setting of that name says.

        Returns
        -------
        ndarray of int32, shape (H, W)
            Numbered from 1 without gaps, each in one piece.
        """
        attention, network, centre = maps
        disc = np.pi * diameter**2 / 4
        foreground = clean(self.mixed(attention, network) > self.threshold, max(int(disc / 3), 1))
        labels = divided(foreground, centre, diameter, self.neck)
        return without_small(labels, self.min_area * disc if min_area is None else min_area)

    def noted(self, diameter: float, min_area: float | None, margin: int) -> dict[str, Any]:
        """What makes the same objects of the same maps again, JSON-able."""
        return {**asdict(self), "diameter_px": diameter, "min_area_px": min_area, "margin_px": margin}


def remade(maps: np.ndarray, noted: Mapping[str, Any], given: Mapping[str, Any]) -> np.ndarray:
    """Objects of maps that were kept, with settings of now.

    Parameters
    ----------
    maps : ndarray of uint8, shape (3, H, W)
        As they were stored, 255 for 1.
    noted : mapping
        From `Decoding.noted`.
    given : mapping
        ``alpha``, ``threshold`` and ``min_area`` (pixels), where they are to be others.

    Returns
    -------
    ndarray of int32, shape (H, W)
    """
    if noted.get("recipe") == "seed":
        from coverslip.methods.he_nuclei.recipe import seed_labels

        values = {name: given.get(name, noted[name]) for name in ("alpha", "threshold", "min_area")}
        return seed_labels(shown_again(maps), **values)
    own = {name: given.get(name, noted[name]) for name in ("alpha", "threshold")}
    decoding = Decoding(**own, min_area=noted["min_area"], neck=noted["neck"])
    return decoding.labels(shown_again(maps), noted["diameter_px"], given.get("min_area", noted["min_area_px"]))


def kept(maps: np.ndarray) -> np.ndarray:
    """Maps in [0, 1] as they are stored: uint8, 255 for 1.

    Objects are made from what is stored, so that they can be made again.
    """
    return np.rint(255 * np.clip(maps, 0, 1)).astype(np.uint8)


def shown_again(maps: np.ndarray) -> np.ndarray:
    """Stored maps in [0, 1], float32."""
    return maps.astype(np.float32) / 255


def divided(foreground: np.ndarray, centre: np.ndarray, diameter: float, neck: float) -> np.ndarray:
    """A mask divided between the tops of a map, ``(H, W)`` int32, each part in one piece.

    The landscape is the map, smoothed, and half the depth below the border of the mask, in radii of a typical nucleus:
    where a network is unsure of its centres, the shape decides. Tops are the highest places within a fifth of a
    diameter; two are of one nucleus where the pass between them reaches the share `neck` of the lower one. Pieces
    without a top are objects of their own.
    """
    depth = np.minimum(ndimage.distance_transform_edt(foreground) / (diameter / 2), _DEEPEST)
    smooth = ndimage.gaussian_filter(centre, diameter / 8)
    smooth += ndimage.gaussian_filter(depth, diameter / 12).astype(np.float32) / 2
    window = 2 * max(1, round(diameter / _APART)) + 1
    tops = (smooth == ndimage.maximum_filter(smooth, window)) & foreground
    markers, count = ndimage.label(tops, structure=np.ones((3, 3)))
    labels = watershed(-smooth, markers, mask=foreground)
    heights = np.zeros(count + 1)
    inside = np.flatnonzero(labels)
    np.maximum.at(heights, labels.ravel()[inside], smooth.ravel()[inside])
    labels = join_shallow(labels, smooth, heights, neck)
    flat, _ = ndimage.label(foreground & (labels == 0))
    return np.asarray(np.where(flat > 0, flat + count, labels), np.int32)


def without_small(labels: np.ndarray, least: float) -> np.ndarray:
    """Leave out objects of fewer than `least` pixels and number the others from 1 without gaps."""
    areas = np.bincount(labels.ravel())
    kept = (areas >= max(least, 1)) & (np.arange(len(areas)) > 0)
    return (np.cumsum(kept) * kept).astype(np.int32)[labels]
