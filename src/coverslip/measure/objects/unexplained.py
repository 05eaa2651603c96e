"""What is left of an image after it was explained: the places where light was found that no object accounts for."""

from __future__ import annotations

import numpy as np

from coverslip.core import InputError

_MAD_TO_SIGMA = 1.482602218505602
_BLUR = 0.25
_BESIDE = 7


def unexplained_regions(
    error: np.ndarray,
    explained: np.ndarray | None = None,
    *,
    deviations: float = 5.0,
    smooth: float = 1.5,
    min_area: int = 20,
) -> dict[str, np.ndarray]:
    """Connected regions of an error image that are brighter than its noise, the largest sums first.

    Parameters
    ----------
    error : ndarray, shape (H, W)
        Image minus explanation, grey values.
    explained : ndarray, same shape, optional
        The light of the objects that explain it, without the background. What is less than a quarter of it, there or
        within 7 pixels, is the blur around objects and left out.
    deviations : float
        Robust standard deviations above the median from which a pixel of the smoothed error counts.
    smooth : float
        Standard deviation of the Gaussian that the error is smoothed with first, pixels: single pixels are noise, and
        dim regions stand out over their area.
    min_area : int
        Smaller regions are left out, pixels.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        ``region`` (from 1); ``y_px``, ``x_px`` (centre of its light; that of the first pixel is 0, 0); ``top_px``,
        ``left_px``, ``height_px``, ``width_px`` (of the box around it); ``area_px``; ``sum`` (of the error as it was
        given, above 0). Pixels that meet at a corner are connected.

    Raises
    ------
    InputError
        If the error is no image, or holds values that are not finite.

    Notes
    -----
    The noise is that of the smoothed error itself: its median absolute deviation, taken on the pixels below and above
    the median apart. The smaller one counts, since what is unexplained widens the upper side, and what is explained too
    much the lower one.
    """
    from scipy import ndimage

    if error.ndim != 2 or not error.size:
        raise InputError(f"The error image must have rows and columns, not the shape {error.shape}.")
    if not np.isfinite(error).all():
        raise InputError("The error image holds values that are not finite; decompose the image again.")
    error = error.astype(np.float32, copy=False)
    smoothed = ndimage.gaussian_filter(error, smooth, mode="nearest") if smooth else error
    centre, noise = error_noise(smoothed)
    bright = smoothed > max(centre + deviations * noise, 0.0)
    if explained is not None:
        bright &= smoothed > _BLUR * ndimage.maximum_filter(explained, 2 * _BESIDE + 1)
    found, _ = ndimage.label(bright, structure=np.ones((3, 3)))
    area = np.bincount(found.ravel())
    total = np.bincount(found.ravel(), error.ravel())
    kept = np.flatnonzero((area >= min_area) & (total > 0))
    kept = kept[kept > 0]
    kept = kept[np.argsort(-total[kept], kind="stable")]
    boxes = ndimage.find_objects(found)
    rows, columns = ([boxes[i - 1][axis] for i in kept] for axis in (0, 1))
    centroids = np.reshape(ndimage.center_of_mass(np.maximum(error, 0), found, kept) if len(kept) else [], (-1, 2))
    return {
        "region": np.arange(1, len(kept) + 1),
        "y_px": centroids[:, 0],
        "x_px": centroids[:, 1],
        "top_px": np.array([part.start for part in rows], np.int64),
        "left_px": np.array([part.start for part in columns], np.int64),
        "height_px": np.array([part.stop - part.start for part in rows], np.int64),
        "width_px": np.array([part.stop - part.start for part in columns], np.int64),
        "area_px": area[kept],
        "sum": total[kept],
    }


def error_noise(error: np.ndarray) -> tuple[float, float]:
    """Median of an error image, and its noise as a robust standard deviation.

    Parameters
    ----------
    error : ndarray
        Finite.

    Returns
    -------
    (float, float)
        The noise is 0 where at least half of the pixels on one side of the median, or on it, are equal to it.
    """
    centre = float(np.median(error))
    sides = (centre - error[error <= centre], error[error >= centre] - centre)
    return centre, _MAD_TO_SIGMA * min(float(np.median(side)) for side in sides)
