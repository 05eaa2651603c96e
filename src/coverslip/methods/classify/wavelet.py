"""One level of the two-dimensional discrete wavelet transform, as a convolution that a network can hold."""

from __future__ import annotations

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.core import InputError

HAAR = ((1 / sqrt(2), 1 / sqrt(2)), (-1 / sqrt(2), 1 / sqrt(2)))
"""Low and high pass of the decomposition, as PyWavelets has them."""


class Split(nn.Module):
    """Four bands of half the size: approximation, horizontal, vertical and diagonal details.

    The same as ``pywt.dwt2(x, wavelet, mode="reflect")`` where sides are even; an odd side is first continued by its
    last row or column.

    Parameters
    ----------
    wavelet : str
        ``"haar"``, or what PyWavelets calls an orthogonal or biorthogonal one.

    Raises
    ------
    InputError
        If there is no such wavelet.

    References
    ----------
    Mallat: A Theory for Multiresolution Signal Decomposition, IEEE PAMI 11 (1989).
    """

    kernels: Tensor

    def __init__(self, wavelet: str = "haar") -> None:
        super().__init__()
        low, high = (torch.tensor(taps).flip(0) for taps in filters(wavelet))
        # PyWavelets names details by their edges: horizontal ones pass high from top to bottom.
        pairs = ((low, low), (high, low), (low, high), (high, high))
        kernels = torch.stack([torch.outer(down, across) for down, across in pairs])[:, None].float()
        self.register_buffer("kernels", kernels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Bands ``(N, C, h, w)`` each of images ``(N, C, H, W)``."""
        n, c, h, w = x.shape
        x = F.pad(x, (0, w % 2, 0, h % 2), mode="replicate")
        taps = self.kernels.shape[-1]
        if taps > 2:
            x = F.pad(x, (taps - 2, taps - 2) * 2, mode="replicate" if taps - 2 >= min(h, w) else "reflect")
        x = x.reshape(n * c, 1, *x.shape[-2:])
        bands = F.conv2d(x, self.kernels, stride=2)
        found = bands.reshape(n, c, 4, *bands.shape[-2:]).unbind(2)
        return found[0], found[1], found[2], found[3]


def filters(wavelet: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Low and high pass of the decomposition of a wavelet.

    Raises
    ------
    InputError
        If there is none of that name, or the library that knows others than Haar is not installed.
    """
    if wavelet == "haar":
        return HAAR
    try:
        import pywt
    except ImportError:
        raise InputError(f"The wavelet '{wavelet}' needs PyWavelets: pip install PyWavelets, or say haar.") from None
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise InputError(f"There is no discrete wavelet '{wavelet}'; say haar, db2, sym4, coif1, bior2.2 and so on.")
    found = pywt.Wavelet(wavelet)
    return tuple(found.dec_lo), tuple(found.dec_hi)
