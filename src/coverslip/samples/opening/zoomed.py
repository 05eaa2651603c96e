"""A field at another size, read window by window: whatever the window, each pixel is the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import ndimage, sparse
from skimage.segmentation import expand_labels

from coverslip.core import Region


class Zoomed:
    """One field made smaller or larger.

    Each new pixel is the mean of the old ones around its place, weighted by a triangle as wide as two new pixels (two
    old ones, where it is enlarged): no detail folds over, and nothing moves.

    Parameters
    ----------
    read : callable
        Gives the pixels ``(C, H, W)`` of a region of the field.
    bounds : tuple of int
        Height and width of the field.
    zoom : float
        New pixels per old one, along each axis.
    """

    def __init__(self, read: Callable[[Region], np.ndarray], bounds: tuple[int, int], zoom: float) -> None:
        self._read, self._bounds, self.zoom = read, bounds, zoom

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = (max(1, math.ceil(length * self.zoom)) for length in self._bounds)
        return height, width

    def pixels(self, region: Region) -> np.ndarray:
        """A region of it: ``(C, H, W)``, float32."""
        (top, down), (left, across) = (
            _weights(start, stop, self.zoom, length)
            for (start, stop), length in zip(_spans(region), self._bounds, strict=True)
        )
        old = self._read(Region(top, left, down.shape[1], across.shape[1])).astype(np.float32, copy=False)
        return np.stack([down @ (across @ channel.T).T for channel in old])


def resampled(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whole images ``(…, H, W)`` at another size, each axis zoomed by itself as in `Zoomed`; floats, not rounded."""
    *others, height, width = pixels.shape
    kind = np.float32 if pixels.dtype.itemsize <= 2 else np.float64
    floats = pixels.astype(kind)
    (_, down), (_, across) = (
        _weights(0, new, new / old, old, kind) for new, old in zip(size, (height, width), strict=True)
    )
    rows = np.moveaxis((across @ floats.reshape(-1, width).T).T.reshape(-1, height, size[1]), 1, 0)
    made = (down @ rows.reshape(height, -1)).reshape(size[0], -1, size[1])
    return np.ascontiguousarray(np.moveaxis(made, 0, 1)).reshape(*others, *size)


def spread(values: np.ndarray, region: Region, onto: Region, zoom: float) -> np.ndarray:
    """Bring values of a zoomed region back onto pixels of the field, smoothly.

    Parameters
    ----------
    values : ndarray, shape (H, W)
        Of `region`, a part of the zoomed field.
    region : Region
        Where they are.
    onto : Region
        Which part of the field, in its own pixels.
    zoom : float
        Pixels of the zoomed field per pixel of the field.

    Returns
    -------
    ndarray, shape of `onto`, float32
    """
    down, across = (
        _onto(range(start, stop), first, length, zoom)
        for (start, stop), first, length in zip(_spans(onto), (region.y, region.x), values.shape, strict=True)
    )
    return np.asarray(down @ (across @ values.T.astype(np.float32)).T)


def nearest(values: np.ndarray, region: Region, onto: Region, zoom: float) -> np.ndarray:
    """Bring values of a zoomed region back onto pixels of the field: each gets that of the pixel it lies in."""
    rows, columns = (
        np.clip(((np.arange(start, stop) + 0.5) * zoom).astype(int) - first, 0, length - 1)
        for (start, stop), first, length in zip(_spans(onto), (region.y, region.x), values.shape, strict=True)
    )
    return np.asarray(values[rows[:, None], columns])


def regrown(labels: np.ndarray, inside: np.ndarray, zoom: float) -> np.ndarray:
    """Give labels that were brought back smooth outlines instead of squares.

    Each object is taken back by a shown pixel and grows again, as far as the finer mask reaches; where two meet, the
    border lies midway. An object too thin for that keeps its squares.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        From `nearest`.
    inside : ndarray of bool, shape (H, W)
        Where objects are, in detail.
    zoom : float
        Pixels of the zoomed field per pixel of the field.
    """
    if zoom >= 1:
        return np.where(inside, labels, 0)
    step = math.ceil(1 / zoom)
    window = 2 * step + 1
    core = ndimage.minimum_filter(labels, window) == ndimage.maximum_filter(labels, window)
    seeds = np.where(core, labels, 0)
    thin = np.setdiff1d(np.unique(labels), np.unique(seeds))
    if len(thin):
        seeds = np.where(np.isin(labels, thin), labels, seeds)
    return np.where(inside, expand_labels(seeds, 3 * step), 0)


def covering(region: Region, zoom: float, size: tuple[int, int]) -> Region:
    """The part of a zoomed field that shows a region of the field, as far as its size reaches."""
    (y, stop_y), (x, stop_x) = (
        (min(int(start * zoom), length - 1), min(length, math.ceil(stop * zoom)))
        for (start, stop), length in zip(_spans(region), size, strict=True)
    )
    return Region(y, x, stop_y - y, stop_x - x)


def _spans(region: Region) -> tuple[tuple[int, int], tuple[int, int]]:
    return (region.y, region.stop_y), (region.x, region.stop_x)


def _weights(
    start: int, stop: int, zoom: float, length: int, kind: type[np.floating] = np.float32
) -> tuple[int, sparse.csr_array]:
    """Which pixels of one axis are read, from the first on, and how each new pixel is made of them."""
    half = max(1.0, 1 / zoom)
    centres = (np.arange(start, stop) + 0.5) / zoom - 0.5
    first = min(max(0, math.ceil(centres[0] - half)), length - 1)
    last = min(length, max(math.floor(centres[-1] + half), first) + 1)
    return first, _triangles(centres - first, half, last - first, kind)


def _onto(places: range, first: int, length: int, zoom: float) -> sparse.csr_array:
    return _triangles((np.asarray(places) + 0.5) * zoom - 0.5 - first, max(1.0, zoom), length)


def _triangles(centres: np.ndarray, half: float, length: int, kind: type[np.floating] = np.float32) -> sparse.csr_array:
    """Weights of pixels around centres, each row of sum 1; beyond the border the outermost pixel is meant."""
    reach = math.ceil(half)
    near = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 2)
    weights = np.maximum(0, 1 - np.abs(near - centres[:, None]) / half)
    rows = np.broadcast_to(np.arange(len(centres))[:, None], near.shape)
    columns = np.clip(near, 0, length - 1)
    made = sparse.coo_array((weights.ravel(), (rows.ravel(), columns.ravel())), shape=(len(centres), length)).tocsr()
    return sparse.csr_array(sparse.diags_array(1 / made.sum(axis=1)) @ made).astype(kind)
