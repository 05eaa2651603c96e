"""Bits, and what is lost for them."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

BRIGHTNESS = (0.299, 0.587, 0.114)
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale structural similarity of each image, five scales.

    Parameters
    ----------
    a, b : Tensor, shape (N, C, H, W)
        0 to 1; sides of at least 176.

    Returns
    -------
    Tensor, shape (N,)
        Mean over channels of the product of contrasts and, at the coarsest scale, similarity; negative ones count 0.

    References
    ----------
    Wang, Simoncelli, Bovik: Multi-scale structural similarity for image quality assessment, 2003.
    """
    product = torch.ones(a.shape[:2], dtype=a.dtype, device=a.device)
    for scale, weight in enumerate(_WEIGHTS):
        similarity, contrast = _similarity(a, b)
        last = scale == len(_WEIGHTS) - 1
        product = product * (similarity if last else contrast).clamp(min=1e-4) ** weight
        if not last:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return product.mean(1)


def _similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    mean_a, mean_b = _smooth(a), _smooth(b)
    squares = _smooth(a * a + b * b) - mean_a * mean_a - mean_b * mean_b
    shared = _smooth(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    contrast = (2 * shared + c2) / (squares + c2)
    similarity = contrast * (2 * mean_a * mean_b + c1) / (mean_a * mean_a + mean_b * mean_b + c1)
    return similarity.mean((2, 3)), contrast.mean((2, 3))


def _smooth(x: Tensor) -> Tensor:
    """Gaussian means of all windows that lie inside, by banded matrices: faster than a convolution per channel."""
    rows, columns = (_band(side, x.dtype, x.device) for side in x.shape[2:])
    return rows @ x @ columns.T


@cache
def _band(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    at = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    kernel = torch.exp(-(at**2) / (2 * _SIGMA**2))
    kernel = kernel / kernel.sum()
    count = side - _WINDOW + 1
    band = torch.zeros(count, side, dtype=torch.float64)
    for offset in range(_WINDOW):
        band[torch.arange(count), torch.arange(count) + offset] = kernel[offset]
    return band.to(device, dtype)


def loss_terms(
    pixels: Tensor, decoded: Tensor, bits: Tensor, worth: Tensor, *, msssim: float, lowest: float
) -> dict[str, Tensor]:
    """The terms of ``bits + worth (MSE + msssim (1 - MS-SSIM))``.

    Levels differ in what their sum is like, about as the square root of their worth; it is divided by that, so that
    all of them are learned alike.

    Parameters
    ----------
    pixels, decoded : Tensor, shape (N, 3, H, W)
        0 to 1.
    bits, worth : Tensor, shape (N,)
        Bits per pixel; bits per pixel that a squared grey value of 255 is worth.
    msssim : float
        Squared grey values that one minus the MS-SSIM of the brightness is worth.
    lowest : float
        The least of all worths.

    Returns
    -------
    dict of Tensor, scalars
        ``loss``, ``bits``, ``squared_error`` (grey values of 255) and ``dissimilarity``.
    """
    error = 255**2 * (pixels - decoded).square().mean((1, 2, 3))
    if msssim:
        grey = pixels.new_tensor(BRIGHTNESS)[:, None, None]
        unlike = 1 - ms_ssim((pixels * grey).sum(1, keepdim=True), (decoded * grey).sum(1, keepdim=True))
    else:
        unlike = torch.zeros_like(error)
    total = (bits + worth * (error + msssim * unlike)) * (lowest / worth) ** 0.5
    return {
        "loss": total.mean(),
        "bits": bits.mean(),
        "squared_error": error.mean(),
        "dissimilarity": unlike.mean(),
    }
