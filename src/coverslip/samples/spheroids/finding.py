"""Where the spheroid is, where its debris is, and a square around both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALL = 256
"""Pixels of the shorter side at which is searched."""


@dataclass(frozen=True)
class Found:
    """A spheroid and its debris.

    Parameters
    ----------
    spheroid, debris : ndarray of bool, shape (H, W)
        In pixels of the image; the spheroid is empty where none was found.
    light : ndarray of float32, shape (H, W)
        The share of light that comes through, 1 in the empty field.
    contrast : float
        Darkness of the spheroid over the spread of the empty field.
    """

    spheroid: np.ndarray
    debris: np.ndarray
    light: np.ndarray
    contrast: float

    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom and right of both; of the whole image where nothing was found."""
        return _box(self.spheroid | self.debris)

    def spheroid_box(self) -> tuple[int, int, int, int]:
        """The same of the spheroid alone."""
        return _box(self.spheroid)


def find_spheroid(plane: np.ndarray, bright: bool = False) -> Found:
    """Find the largest dark body of an image, and the dark specks around it.

    The light of the empty field is a plane through the brighter half of the image; Otsu's threshold of the smoothed
    darkness makes bodies, the largest of which counts. Debris are what is darker than the empty field by four of its
    deviations, and not further from the spheroid than 1.5 of its diameters.

    Parameters
    ----------
    plane : ndarray, shape (H, W)
        Brightfield: the spheroid is darker than what is around it.
    bright : bool
        Fluorescence: it is brighter.
    """
    from scipy.ndimage import (
        binary_closing,
        binary_fill_holes,
        binary_opening,
        distance_transform_edt,
        gaussian_filter,
        label,
    )
    from skimage.filters import threshold_otsu
    from skimage.morphology import disk, remove_small_objects
    from skimage.transform import resize

    factor = max(1, min(plane.shape) // SMALL)
    light = plane.astype(np.float32)
    if bright:
        light = light.max() + light.min() - light
    light = light / _empty_field(light)
    small = _shrunk(light, factor)
    dark = gaussian_filter(1 - small, 1)
    field_noise = _spread(dark)
    body = binary_fill_holes(dark > max(float(threshold_otsu(dark)), 3 * field_noise))
    parts, count = label(binary_opening(body, disk(2)))
    empty = np.zeros(plane.shape, bool)
    if not count:
        return Found(empty, empty, light, 0.0)
    sizes = np.bincount(parts.ravel())[1:]
    core = parts == int(sizes.argmax()) + 1
    # What Otsu cuts off at the blurred edge still belongs to it: down to half of the body's own darkness.
    grown = binary_fill_holes(binary_closing(dark > _edge_level(dark, core, field_noise)))
    parts, _ = label(binary_opening(grown, disk(2)) | core)
    core = parts == np.bincount(parts[core]).argmax()
    specks = (dark > 4 * field_noise) & ~core
    diameter = 2 * np.sqrt(core.sum() / np.pi)
    specks &= distance_transform_edt(~core) < 1.5 * diameter
    specks = remove_small_objects(specks, max_size=3)
    contrast = float(dark[core].mean() / max(field_noise, 1e-6))
    shape = plane.shape
    enlarged = [resize(m.astype(np.float32), shape, order=1) > 0.5 if factor > 1 else m for m in (core, specks)]
    return Found(enlarged[0], enlarged[1] & ~enlarged[0], light, contrast)


def square(found: Found, side: int) -> tuple[int, int]:
    """Top and left of a square of some side that holds as much as can be of the spheroid, then of its debris.

    It lies around the middle of both, moved into the image; where the image is smaller than the square, the image lies
    in the middle of it.

    Parameters
    ----------
    found : Found
    side : int
        Pixels.
    """
    both = found.spheroid | found.debris
    corner = []
    for axis, n in enumerate(found.spheroid.shape):
        if n <= side:
            corner.append(-((side - n) // 2))
            continue
        rows = found.spheroid.sum(1 - axis).astype(np.int64) * 1000 + both.sum(1 - axis)
        total = np.concatenate([[0], np.cumsum(rows)])
        held = total[side:] - total[:-side]  # by where the square starts
        best = np.flatnonzero(held == held.max())
        box = _box(both)
        middle = (box[axis] + box[axis + 2] - side) / 2
        corner.append(int(best[np.abs(best - middle).argmin()]))
    return corner[0], corner[1]


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, mask.shape[0], mask.shape[1]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _empty_field(light: np.ndarray) -> np.ndarray:
    """A plane fitted to the brighter half, twice, without what is far darker."""
    step = max(1, min(light.shape) // 64)
    y, x = np.mgrid[: light.shape[0] : step, : light.shape[1] : step]
    values = light[::step, ::step].ravel().astype(np.float64)
    basis = np.stack([np.ones(y.size), y.ravel() / light.shape[0], x.ravel() / light.shape[1]], axis=1)
    kept = values >= np.median(values)
    for _ in range(3):
        plane = np.linalg.lstsq(basis[kept], values[kept], rcond=None)[0]
        rest = values - basis @ plane
        spread = 1.4826 * np.median(np.abs(rest[kept])) + 1e-9
        kept = np.abs(rest) < 3 * spread
        if kept.sum() < 16:
            break
    rows, columns = (np.arange(n, dtype=np.float32) / n for n in light.shape)
    field = plane[0] + plane[1] * rows[:, None] + plane[2] * columns[None, :]
    return np.asarray(np.maximum(field, max(float(np.median(values)) / 4, 1e-6)), np.float32)


def _shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image
    height, width = (n // factor * factor for n in image.shape)
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
    return np.asarray(blocks.mean((1, 3)))


def _spread(dark: np.ndarray) -> float:
    """The deviation of the empty field, from its brighter side, where nothing lies."""
    below = dark[dark < 0]
    return float(np.sqrt((below**2).mean())) if len(below) else 1e-3


def _edge_level(dark: np.ndarray, core: np.ndarray, noise: float) -> float:
    return max(0.35 * float(np.median(dark[core])), 3 * noise)
