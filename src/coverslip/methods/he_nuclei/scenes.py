"""What a field itself teaches without a label: nuclei and background that are beyond doubt, and the rest left open."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from coverslip.classical.touching import basins, join_shallow
from coverslip.measure.objects.shapes import object_table
from coverslip.methods.he_nuclei.stain import density

DIAMETER = 24.0
"""Pixels across a typical nucleus as the network is shown it."""

_CONFIDENT, _DOUBTFUL = 0.65, 0.3
"""A nucleus is beyond doubt where its mean is above the first, background where it is below the second."""
_SOLID = 0.88
_LEAST, _MOST = 0.25, 3.0
"""Areas of nuclei to learn from, discs of the typical diameter."""
_MARGIN = 3
_NECK = 0.8


@dataclass(frozen=True)
class Cutout:
    """A nucleus cut out of a field.

    Parameters
    ----------
    density : ndarray, shape (3, h, w)
        Optical density.
    mask : ndarray of bool, shape (h, w)
        Where the nucleus is.
    """

    density: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A field as a source of training patches, at the zoom that shows typical nuclei 24 pixels wide.

    Parameters
    ----------
    density : ndarray, shape (3, H, W)
        Optical density.
    labels : ndarray of int32, shape (H, W)
        Nuclei beyond doubt; 0 elsewhere.
    open : ndarray of bool, shape (H, W)
        Where it is not known.
    cutouts : list of Cutout
        The nuclei that nothing touches.
    nuclear, around : ndarray, shape (3,)
        Mean optical density of nuclei and of background.
    """

    density: np.ndarray
    labels: np.ndarray
    open: np.ndarray
    cutouts: list[Cutout] = field(repr=False)
    nuclear: np.ndarray = field(repr=False)
    around: np.ndarray = field(repr=False)


def coarse_labels(chance: np.ndarray) -> np.ndarray:
    """Nuclei of a map whose threshold is 1/2, divided by their shape alone; ``(H, W)`` int32."""
    mask = ndimage.binary_opening(ndimage.binary_fill_holes(chance > 0.5), iterations=2)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), DIAMETER / 12)
    labels, heights = basins(depth, mask, int(DIAMETER / 4))
    return join_shallow(labels, depth, heights, _NECK)


def scene(rgb: np.ndarray, chance: np.ndarray, labels: np.ndarray) -> Scene:
    """Sort what was found in a field into what is beyond doubt and what is not.

    Parameters
    ----------
    rgb : ndarray, shape (3, H, W)
        In [0, 1], at the zoom of the network.
    chance : ndarray, shape (H, W)
        How likely each pixel is of a nucleus: a map whose threshold is 1/2.
    labels : ndarray of int, shape (H, W)
        Objects found in it, numbered from 1 without gaps.
    """
    found = density(rgb)
    disc = np.pi * DIAMETER**2 / 4
    table = object_table(labels, chance[None].astype(np.float32), ("chance",))
    sure = (
        (table["solidity"] >= _SOLID)
        & (table["area_px"] >= _LEAST * disc)
        & (table["area_px"] <= _MOST * disc)
        & (table["chance_mean"] >= _CONFIDENT)
    )
    number = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    number[table["label"][sure]] = np.arange(1, sure.sum() + 1)
    kept = number[labels]
    background = (chance < _DOUBTFUL) & (labels == 0)
    unknown = ~(background | (kept > 0))
    nuclear = found[:, kept > 0].mean(axis=1) if sure.any() else np.array([0.5, 0.55, 0.25], np.float32)
    around = found[:, background].mean(axis=1) if background.any() else np.zeros(3, np.float32)
    return Scene(found, kept, unknown, list(_cutouts(found, kept, labels)), nuclear, around)


def convex_areas(labels: np.ndarray) -> np.ndarray:
    """Areas of the objects that are no clumps, pixels: what tells how large nuclei are."""
    table = object_table(labels)
    return table["area_px"][table["solidity"] >= _SOLID]


def _cutouts(found: np.ndarray, kept: np.ndarray, labels: np.ndarray) -> list[Cutout]:
    made = []
    for number, box in enumerate(ndimage.find_objects(kept), 1):
        wide = tuple(slice(max(0, part.start - _MARGIN), part.stop + _MARGIN) for part in box)
        near = kept[wide]
        mask = near == number
        alone = not (labels[wide][ndimage.binary_dilation(mask, iterations=2) & ~mask] > 0).any()
        at_border = any(part.start == 0 or part.stop == n for part, n in zip(box, kept.shape, strict=True))
        if alone and not at_border:
            made.append(Cutout(found[:, *wide].copy(), mask))
    return made
