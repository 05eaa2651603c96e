"""Objects cut out of an image as the light they add to it, to be put down elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.core import InputError

RIM = 2
"""So many pixels around its mask an object is taken to shine, for the optics blur it. Tight outlines need more: on
BBBC039 a tenth of a nucleus' light is left 3 pixels outside, and as much as the noise 6 pixels outside."""

_FINEST = 4
_STANDS_OUT = 4
"""Unlabelled pixels are no background if, smoothed, they are brighter by so many standard deviations of all others."""


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
        What is subtracted; see `find_background`.
    rim : int
        Width of the soft edge, pixels; a pixel that several objects could have as their rim belongs to the nearest.
        Over its outer half light fades out, so that the cut leaves no edge of its own.
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
    zones, share = _zones(labels, rim)
    numbers, compact = np.unique(zones, return_inverse=True)
    compact = compact.reshape(zones.shape)
    if numbers[0] != 0:  # find_objects takes 0 for background
        numbers, compact = np.r_[0, numbers], compact + 1
    left_out = _not_alone(zones) if alone else np.zeros(0, zones.dtype)
    added = _added(pixels, background, share)
    found = []
    for number, place in zip(numbers[1:], ndimage.find_objects(compact), strict=True):
        if number not in left_out:
            found.append(_cut(added[place], labels[place], zones[place], int(number), place))
    return found


def cut_out(
    pixels: np.ndarray, labels: np.ndarray, number: int, background: np.ndarray | float, *, rim: int = RIM
) -> CutOut:
    """Cut one object out of a field, whether or not others touch it.

    Parameters
    ----------
    pixels, labels, background, rim
        As for `cutouts`.
    number : int
        The label of the object.

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
    zones, share = _zones(labels[near], rim)
    rows, columns = np.nonzero(zones == number)
    tight = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    place = tuple(slice(part.start + first, part.stop + first) for part, first in zip(tight, (top, left), strict=True))
    behind = np.broadcast_to(background, pixels.shape)[place]
    return _cut(_added(pixels[place], behind, share[tight]), labels[place], zones[tight], number, place)


def find_background(
    pixels: np.ndarray, labels: np.ndarray, *, gap: int = 2 * RIM, reach: float = 32
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a field into objects and background, and let the background go on behind the objects.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        One channel.
    labels : ndarray of int, shape (H, W)
        Objects.
    gap : int
        So many pixels around objects do not count as background: they still shine there.
    reach : float
        Standard deviation, in pixels, of the widest Gaussian window over which background pixels are averaged.

    Returns
    -------
    level : ndarray of float32, shape (H, W)
        Averages of the background pixels in ever smaller windows, the smallest that holds enough of them deciding. The
        darkest percent of the pixels where there is no background at all.
    free : ndarray of bool, shape (H, W)
        Which pixels are background. Spots and objects that nobody labelled are not.
    """
    from scipy import ndimage

    _check(pixels, labels, gap)
    free = ndimage.distance_transform_edt(labels == 0) > gap if labels.any() else np.ones(labels.shape, bool)
    if not free.any():
        return np.full(pixels.shape, np.percentile(pixels, 1), np.float32), free
    # Objects without a label are what is brighter than a level that hardly follows them.
    rest = ndimage.gaussian_filter(pixels - _smooth(pixels, free, [reach]), 1)
    typical = np.median(rest[free])
    spread = 1.4826 * np.median(np.abs(rest[free] - typical))
    odd = free & (rest > typical + _STANDS_OUT * spread)
    if odd.any() and spread > 0:
        cleared = free & (ndimage.distance_transform_edt(~odd) > gap / 2)
        free = cleared if cleared.sum() >= free.sum() / 2 else free
    windows = [reach]
    while windows[-1] / 2 >= _FINEST:
        windows.append(windows[-1] / 2)
    return _smooth(pixels, free, windows), free


def emptied(pixels: np.ndarray, free: np.ndarray, level: np.ndarray, rng: np.random.Generator, name: str) -> np.ndarray:
    """A field without objects: where they lit it, the level around and the noise of other places.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        One channel.
    free, level : ndarray, shape (H, W)
        From `find_background`.
    rng : numpy.random.Generator
        Decides which places.
    name : str
        The field, for messages.

    Raises
    ------
    InputError
        If hardly a pixel is free.
    """
    if free.mean() < 0.01:
        raise InputError(f"{name} has hardly any background between its objects; leave it out.")
    noise, image = pixels - level, np.where(free, pixels, level)
    holes = ~free
    while holes.any():
        shift = tuple(int(rng.integers(side)) for side in holes.shape)
        from_there = holes & np.roll(free, shift, (0, 1))
        image[from_there] += np.roll(noise, shift, (0, 1))[from_there]
        holes &= ~from_there
    return stored(image, pixels.dtype)


def stored(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Grey values as files hold them; what exceeds the range is cut off there."""
    if dtype.kind == "f":
        return image.astype(dtype)
    limits = np.iinfo(dtype)
    return np.rint(image).clip(limits.min, limits.max).astype(dtype)


def _smooth(pixels: np.ndarray, free: np.ndarray, windows: Sequence[float]) -> np.ndarray:
    """Means of the free pixels; each window corrects what the wider one before it left, where it holds enough."""
    from scipy import ndimage

    level = np.full(pixels.shape, np.median(pixels[free]), np.float32)
    for window in windows:
        rest = np.where(free, pixels - level, np.float32(0))
        weight = ndimage.gaussian_filter(free.astype(np.float32), window, mode="nearest", truncate=3)
        total = ndimage.gaussian_filter(rest, window, mode="nearest", truncate=3)
        level += total / (weight + 0.02)
    return level


def _check(pixels: np.ndarray, labels: np.ndarray, rim: int) -> None:
    if pixels.ndim != 2 or pixels.shape != labels.shape or labels.dtype.kind not in "iu":
        raise InputError(
            f"Objects are cut out of one channel (H, W) with integer labels of its size, not {pixels.shape} with "
            f"{labels.shape} {labels.dtype}."
        )
    if rim < 0:
        raise InputError(f"A rim is 0 pixels wide or more, not {rim}.")


def _zones(labels: np.ndarray, rim: int) -> tuple[np.ndarray, np.ndarray]:
    """The object that each pixel belongs to, rims included, and which share of its light counts."""
    from scipy import ndimage

    if not rim or not labels.any():
        return labels, np.ones(labels.shape, np.float32)
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    share = np.clip((rim + 1 - distance) / (rim / 2 + 1), 0, 1)
    return np.where(distance <= rim, labels[tuple(nearest)], 0), share.astype(np.float32)


def _added(pixels: np.ndarray, background: np.ndarray | float, share: np.ndarray) -> np.ndarray:
    return np.maximum(pixels - np.asarray(background, np.float32), 0).astype(np.float32) * share


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


def _cut(added: np.ndarray, labels: np.ndarray, zones: np.ndarray, number: int, place: tuple[slice, ...]) -> CutOut:
    corner = place[0].start, place[1].start
    return CutOut(np.where(zones == number, added, np.float32(0)), labels == number, corner, number)
