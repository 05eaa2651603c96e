"""How close reconstructed images are to the originals: errors, PSNR, SSIM and MS-SSIM, per image or per channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from coverslip.core import InputError

# Images are turned to float64 a few at a time: about 64 MB of pixels.
_PIXELS_AT_ONCE = 1 << 23

SSIM_WINDOW = 7


def sum_squared_error(images: Any, reconstructions: Any, *, per_channel: bool = False) -> np.ndarray:
    """Squared error summed over the pixels: the reconstruction term of the VAE's loss.

    Parameters
    ----------
    images, reconstructions : array, shape (N, C, H, W)
        Any dtype; compared as float64, so unsigned integers do not wrap.
    per_channel : bool
        One value per channel instead of one per image.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, C)
        In squared pixel units, at least 0; lower is better. It grows with the size of the image.

    Raises
    ------
    InputError
        If the arrays differ in shape, are not four-dimensional, or hold NaN or infinite values.
    """
    return _per_channel(images, reconstructions, lambda a, b: ((a - b) ** 2).sum(axis=(2, 3)), per_channel, np.sum)


def mean_squared_error(images: Any, reconstructions: Any, *, per_channel: bool = False) -> np.ndarray:
    """Squared error averaged over the pixels (and channels): comparable between image sizes.

    Parameters
    ----------
    images, reconstructions, per_channel
        As for `sum_squared_error`.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, C)
        In squared pixel units, at least 0; lower is better.
    """
    return _per_channel(images, reconstructions, lambda a, b: ((a - b) ** 2).mean(axis=(2, 3)), per_channel, np.mean)


def psnr(images: Any, reconstructions: Any, *, data_range: float, per_channel: bool = False) -> np.ndarray:
    r"""Peak signal-to-noise ratio, :math:`10 \log_{10}(R^2 / \mathrm{MSE})`.

    Parameters
    ----------
    images, reconstructions, per_channel
        As for `sum_squared_error`.
    data_range : float
        :math:`R`, the largest value possible minus the smallest: 1 for images normalised to [0, 1], 65535 for 16 bit.
        It is never guessed, because a guess from the data would make values incomparable.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, C)
        In dB; higher is better, infinite where the images are equal.
    """
    _check_range(data_range)
    error = mean_squared_error(images, reconstructions, per_channel=per_channel)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.float64(data_range) ** 2 / error)


def ssim(
    images: Any, reconstructions: Any, *, data_range: float, per_channel: bool = False, window: int = SSIM_WINDOW
) -> np.ndarray:
    """Structural similarity, averaged over all windows that lie inside the image (and over channels).

    Equals `skimage.metrics.structural_similarity` with its defaults (uniform window, sample covariance) for each
    channel, for a whole batch at once.

    Parameters
    ----------
    images, reconstructions, per_channel
        As for `sum_squared_error`.
    data_range : float
        Largest value possible minus the smallest, as for `psnr`.
    window : int
        Side of the window in pixels, odd. In images smaller than it, the largest odd window that fits is used.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, C)
        At most 1 (equal images); higher is better, about 0 for unrelated ones.

    Raises
    ------
    InputError
        As `sum_squared_error`, and if a side is shorter than 3 pixels.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity,
    IEEE Transactions on Image Processing 13 (2004), equation 13.
    """
    _check_range(data_range)
    if window < 3 or window % 2 == 0:
        raise InputError(f"The window of SSIM must be an odd number of at least 3 pixels, not {window}.")
    shape = np.shape(images)
    if len(shape) == 4 and min(shape[2:]) < 3:
        raise InputError(f"SSIM needs images of at least 3 x 3 pixels, not {shape[2]} x {shape[3]}.")

    def per_image(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        fits = min(window, *a.shape[2:])
        return _ssim(a, b, fits - 1 + fits % 2, data_range)

    return _per_channel(images, reconstructions, per_image, per_channel, np.mean)


MS_SSIM_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the five scales of `ms_ssim`, the finest first."""


def ms_ssim(images: Any, reconstructions: Any, *, data_range: float, per_channel: bool = False) -> np.ndarray:
    r"""Multi-scale structural similarity: contrast and structure at five scales, brightness at the coarsest.

    Gaussian windows of 11 pixels (:math:`\sigma = 1.5`) that lie inside the image; each scale is half the one before,
    by means of 2 x 2 pixels. Negative terms count as 0.

    Parameters
    ----------
    images, reconstructions, per_channel
        As for `sum_squared_error`; sides of at least 176 pixels.
    data_range : float
        Largest value possible minus the smallest, as for `psnr`.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, C)
        0 to 1 (equal images).

    Raises
    ------
    InputError
        As `sum_squared_error`, and if a side is shorter than 176 pixels.

    References
    ----------
    Wang, Simoncelli, Bovik: Multiscale structural similarity for image quality assessment, Asilomar 2003.
    """
    _check_range(data_range)
    shape = np.shape(images)
    if len(shape) == 4 and min(shape[2:]) < _GAUSSIAN << (len(MS_SSIM_SCALES) - 1):
        raise InputError(f"MS-SSIM needs images of at least 176 x 176 pixels, not {shape[2]} x {shape[3]}.")

    def per_image(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = np.ones(a.shape[:2])
        for scale, weight in enumerate(MS_SSIM_SCALES):
            similarity, contrast = _gaussian_similarity(a, b, data_range)
            last = scale == len(MS_SSIM_SCALES) - 1
            product *= np.maximum(similarity if last else contrast, 0) ** weight
            a, b = _halved(a), _halved(b)
        return product

    return _per_channel(images, reconstructions, per_image, per_channel, np.mean)


_GAUSSIAN = 11


def _gaussian_similarity(x: np.ndarray, y: np.ndarray, data_range: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import gaussian_filter1d

    pad = _GAUSSIAN // 2

    def average(array: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            array = gaussian_filter1d(array, 1.5, axis=axis, radius=pad)
        return array[:, :, pad:-pad, pad:-pad]

    mean_x, mean_y = average(x), average(y)
    squares = average(x * x + y * y) - mean_x**2 - mean_y**2
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    contrast = (2 * (average(x * y) - mean_x * mean_y) + c2) / (squares + c2)
    similarity = contrast * (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return similarity.mean(axis=(2, 3)), contrast.mean(axis=(2, 3))


def _halved(x: np.ndarray) -> np.ndarray:
    n, c, height, width = x.shape
    even = x[:, :, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(n, c, height // 2, 2, width // 2, 2).mean((3, 5)))


def _ssim(x: np.ndarray, y: np.ndarray, window: int, data_range: float) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    pad = window // 2

    def average(array: np.ndarray) -> np.ndarray:
        filtered = uniform_filter(array, size=(1, 1, window, window))
        # Windows that reach over the border would count mirrored pixels.
        return filtered[:, :, pad : array.shape[2] - pad, pad : array.shape[3] - pad]

    mean_x, mean_y = average(x), average(y)
    sample = window**2 / (window**2 - 1)
    var_x = sample * (average(x * x) - mean_x**2)
    var_y = sample * (average(y * y) - mean_y**2)
    cov = sample * (average(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similarity.mean(axis=(2, 3))


def _per_channel(
    images: Any,
    reconstructions: Any,
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    per_channel: bool,
    over_channels: Callable[..., np.ndarray],
) -> np.ndarray:
    values = np.concatenate([function(a, b) for a, b in _batches(images, reconstructions)])
    return values if per_channel else over_channels(values, axis=1)


def _batches(images: Any, reconstructions: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    images, reconstructions = np.asarray(images), np.asarray(reconstructions)
    if images.shape != reconstructions.shape:
        raise InputError(
            f"The images have the shape {images.shape} but the reconstructions {reconstructions.shape}; "
            "compare them in the size and channels in which they were reconstructed."
        )
    if images.ndim != 4 or 0 in images.shape:
        raise InputError(f"Images to compare are an array (N, C, H, W) with none of them 0, not {images.shape}.")
    step = max(1, _PIXELS_AT_ONCE // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), step):
        a = images[start : start + step].astype(np.float64)
        b = reconstructions[start : start + step].astype(np.float64)
        for name, array in (("images", a), ("reconstructions", b)):
            bad = ~np.isfinite(array).all(axis=(1, 2, 3))
            if bad.any():
                raise InputError(f"The {name} hold a NaN or infinite value, first in image {start + np.argmax(bad)}.")
        yield a, b


def _check_range(data_range: float) -> None:
    if not (np.isfinite(data_range) and data_range > 0):
        raise InputError(
            f"data_range must be a positive number (1 for [0, 1], 255 for 8 bit, 65535 for 16 bit), not {data_range}."
        )
