"""Parts of classical segmentation: how wide objects are, clean masks, areas, numbers in reading order."""

from __future__ import annotations

import numpy as np

_ABOVE_NOISE = 4.0
_ABOVE_SPREAD = 2.5
_DARKER = 15.87
"""This percentile of a normal distribution lies a standard deviation below its mean."""


def typical_diameter(signal: np.ndarray) -> float:
    """How wide the objects of a map are that is high in them.

    Parameters
    ----------
    signal : ndarray of float, shape (H, W)
        Grey values.

    Returns
    -------
    float
        Twice the median half width of what a first threshold finds, pixels; weighted by area, so that specks count
        little. 8 where nothing is found.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    smooth = ndimage.gaussian_filter(signal, 1)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(smooth > threshold_otsu(smooth)), 1)
    peaks = np.sort(depth[(depth == ndimage.maximum_filter(depth, 7)) & (depth >= 2)])
    if not len(peaks):
        return 8.0
    weight = np.cumsum(peaks**2)
    return float(2 * peaks[np.searchsorted(weight, weight[-1] / 2)])


def stands_out(signal: np.ndarray, smooth: np.ndarray, threshold: float, sigma: float, even: bool) -> bool:
    """Whether what lies above a threshold is more than noise: any image has pixels above its threshold of Otsu.

    Parameters
    ----------
    signal : ndarray of float, shape (H, W)
        Grey values.
    smooth : ndarray, same shape
        The same after a Gaussian of `sigma` pixels.
    threshold : float
        Of `smooth`.
    sigma : float
        In pixels.
    even : bool
        Whether the background is expected to be even.

    Notes
    -----
    White noise of any distribution is known from neighbouring pixels, and so is what the Gaussian leaves of it: the two
    halves that the threshold makes of that are 1.6 times its standard deviation apart, real nuclei 16 times and more.
    Noise that is correlated, or a gradient, is known from the darker half of the background, which has no objects: it
    spreads as far as the objects stand out of it.
    """
    from scipy import ndimage

    above = smooth > threshold
    bright, background = float(smooth[above].mean()), smooth[~above]
    steps = [np.diff(signal, axis=axis).var() for axis in (0, 1) if signal.shape[axis] > 1]
    noise = float(np.sqrt(np.mean(steps) / 2)) if steps else 0.0
    impulse = np.zeros(2 * int(8 * sigma) + 3)
    impulse[len(impulse) // 2] = 1
    left = float((ndimage.gaussian_filter1d(impulse, sigma) ** 2).sum())
    if bright - float(background.mean()) < _ABOVE_NOISE * left * noise:
        return False
    darker, middle = np.percentile(background, [_DARKER, 50])
    return not even or bright - middle >= _ABOVE_SPREAD * (middle - darker)


def clean(foreground: np.ndarray, hole: float) -> np.ndarray:
    """A mask ``(H, W)`` without specks and thin bridges, and without holes of up to `hole` pixels."""
    from scipy import ndimage

    opened = _crosses(_crosses(foreground, np.logical_and), np.logical_or)
    holes, count = ndimage.label(~opened)
    size = np.bincount(holes.ravel(), minlength=count + 1)
    small = size <= hole
    small[0] = False
    return opened | small[holes]


def _crosses(mask: np.ndarray, operation: np.ufunc) -> np.ndarray:
    """Each pixel with its four neighbours, off beyond the border: an erosion or a dilation by shifts."""
    wide = np.pad(mask, 1)
    rows, columns = wide[:, 1:-1], wide[1:-1]
    return np.asarray(operation.reduce([rows[1:-1], rows[:-2], rows[2:], columns[:, :-2], columns[:, 2:]]))


def within_areas(labels: np.ndarray, least: float, most: float) -> np.ndarray:
    """The labels ``(H, W)`` of objects that have at least and at most so many pixels; the others become 0."""
    area = np.bincount(labels.ravel())
    keep = (area >= least) & (area <= most)
    keep[0] = False
    return np.where(keep[labels], labels, 0)


def renumber(labels: np.ndarray) -> np.ndarray:
    """The labels with numbers 1 to n, in reading order of each object's first pixel, ``(H, W)`` int32."""
    numbers, first = np.unique(labels, return_index=True)
    new = np.zeros(int(numbers.max()) + 1, np.int32)
    order = numbers[np.argsort(first)]
    order = order[order > 0]
    new[order] = np.arange(1, len(order) + 1)
    return new[labels]
