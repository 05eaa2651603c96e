"""Objects cut out of an image as the light they add to it, to be put down elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coverslip.core.errors import InputError

RIM = 2
"""So many pixels around its mask an object is taken to shine, for the optics blur it."""


class CutOut(NamedTuple):
    """An object without what is around and behind it.

    Parameters
    ----------
    pixels : ndarray of float32, shape (h, w)
        The grey values that it adds, at least 0; 0 beyond its rim.
    mask : ndarray of bool, shape (h, w)
        Where it is, without the rim.
    corner : (int, int)
        Row and column of the image at which both begin.
    number : int
        Its label.
    """

    pixels: np.ndarray
    mask: np.ndarray
    corner: tuple[int, int]
    number: int


def cutouts(
    pixels: np.ndarray, labels: np.ndarray, background: np.ndarray | float, *, rim: int = RIM, alone: bool = True
) -> list[CutOut]:
    """Cut all objects out of a field.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        One channel in which light adds up, as in fluorescence.
    labels : ndarray of int, shape (H, W)
        Objects; 0 is background.
    background : ndarray of shape (H, W) or float
        What is subtracted; see `background_level`.
    rim : int
        Width of the soft edge, pixels; a pixel that several objects could have as their rim belongs to the nearest.
    alone : bool
        Leave out objects whose rim meets another's, and those whose rim reaches the border: what they add
        is not known.

    Returns
    -------
    list of CutOut
        By label.
    """
    from scipy import ndimage

    _check(pixels, labels, rim)
    zones = _zones(labels, rim)
    numbers, compact = np.unique(zones, return_inverse=True)
    compact = compact.reshape(zones.shape)
    if numbers[0] != 0:  # find_objects takes 0 for background
        numbers, compact = np.r_[0, numbers], compact + 1
    left_out = _not_alone(zones) if alone else np.zeros(0, zones.dtype)
    behind = np.broadcast_to(np.asarray(background, np.float32), pixels.shape)
    found = []
    for number, place in zip(numbers[1:], ndimage.find_objects(compact), strict=True):
        if number not in left_out:
            found.append(_cut(pixels[place], labels[place], zones[place], behind[place], int(number), place))
    return found


def cut_out(
    pixels: np.ndarray, labels: np.ndarray, number: int, background: np.ndarray | float, *, rim: int = RIM
) -> CutOut:
    """Cut one object out of a field, whether or not others touch it; see `cutouts`.

    Raises
    ------
    InputError
        If there is no object of that number.
    """
    _check(pixels, labels, rim)
    rows, columns = np.nonzero(labels == number)
    if number <= 0 or not len(rows):
        raise InputError(f"There is no object {number} in the labels; objects are numbered from 1.")
    top, left = max(int(rows.min()) - 2 * rim, 0), max(int(columns.min()) - 2 * rim, 0)
    near = slice(top, int(rows.max()) + 2 * rim + 1), slice(left, int(columns.max()) + 2 * rim + 1)
    zones = _zones(labels[near], rim)
    rows, columns = np.nonzero(zones == number)
    tight = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    place = tuple(slice(part.start + first, part.stop + first) for part, first in zip(tight, (top, left), strict=True))
    behind = np.broadcast_to(np.asarray(background, np.float32), pixels.shape)[place]
    return _cut(pixels[place], labels[place], zones[tight], behind, number, place)


def background_level(pixels: np.ndarray, labels: np.ndarray, *, gap: int = 2 * RIM, reach: float = 16) -> np.ndarray:
    """The background as it goes on behind objects.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        One channel.
    labels : ndarray of int, shape (H, W)
        Objects.
    gap : int
        So many pixels around objects do not count as background: they still shine there.
    reach : float
        Standard deviation, in pixels, of the Gaussian window over which background pixels are averaged.

    Returns
    -------
    ndarray of float32, shape (H, W)
        Averages of the background pixels around each pixel, near ones weighing most; the darkest percent of the pixels
        where all is objects.
    """
    from scipy import ndimage

    free = ndimage.distance_transform_edt(labels == 0) > gap if labels.any() else np.ones(labels.shape, bool)
    if not free.any():
        return np.full(pixels.shape, np.percentile(pixels, 1), np.float32)
    middle = float(pixels[free].mean())
    rest = np.where(free, pixels - middle, 0).astype(np.float32)
    total = ndimage.gaussian_filter(rest, reach, mode="nearest")
    weight = ndimage.gaussian_filter(free.astype(np.float32), reach, mode="nearest")
    # Far inside a large object no weight arrives; there the mean of the field is the best that is known.
    return (middle + total / (weight + 1e-3)).astype(np.float32)


def _check(pixels: np.ndarray, labels: np.ndarray, rim: int) -> None:
    if pixels.ndim != 2 or pixels.shape != labels.shape or labels.dtype.kind not in "iu":
        raise InputError(
            f"Objects are cut out of one channel (H, W) with integer labels of its size, not {pixels.shape} with "
            f"{labels.shape} {labels.dtype}."
        )
    if rim < 0:
        raise InputError(f"A rim is 0 pixels wide or more, not {rim}.")


def _zones(labels: np.ndarray, rim: int) -> np.ndarray:
    from skimage.segmentation import expand_labels

    return expand_labels(labels, rim) if rim else labels


def _not_alone(zones: np.ndarray) -> np.ndarray:
    """Labels that meet another one, corners included, or the border."""
    found = [zones[0], zones[-1], zones[:, 0], zones[:, -1]]
    steps = ((1, 0), (0, 1), (1, 1), (1, -1))
    height, width = zones.shape
    for down, right in steps:
        here = zones[: height - down, max(-right, 0) : width - max(right, 0)]
        there = zones[down:, max(right, 0) : width - max(-right, 0)]
        meet = (here != there) & (here > 0) & (there > 0)
        found += [here[meet], there[meet]]
    return np.unique(np.concatenate(found))


def _cut(
    pixels: np.ndarray, labels: np.ndarray, zones: np.ndarray, behind: np.ndarray, number: int, place: tuple[slice, ...]
) -> CutOut:
    added = np.where(zones == number, np.maximum(pixels - behind, 0), 0).astype(np.float32)
    return CutOut(added, labels == number, (place[0].start, place[1].start), number)
