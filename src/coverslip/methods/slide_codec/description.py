"""What a patch looks like, told from its latents: how often each of them takes which values, wherever in the patch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from coverslip.methods.slide_codec.freezing import HIDDEN, SHARPNESS

COLOURS = 3
"""The first latents, which are little but the mean colour of 16² pixels."""
_SHADES = 6
_EDGES = np.linspace(-1.8, 1.8, _SHADES - 1)
_SIZES = np.array([0.15, 0.4, 0.8, 1.6])
_TEXTURES = 96


class Description:
    """Vectors to search with, of latents.

    A histogram of the first three latents together (6³ bins: colours of tissue) and one of the size of each of the
    others (5 bins: texture, at every scale and direction that a latent stands for), in deviations that the prior
    expects of them. Square roots of the shares are kept, so that the product of two vectors is the affinity of
    Bhattacharyya. It does not matter where in the patch something is, and little how it is turned.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a frozen codec.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        level = len(weights["steps"]) // 2
        self._mean = weights["prior.0.mean"][level].astype(np.float64)
        # The prior says the logarithm of the scale of a logistic distribution, in steps.
        scale = np.exp(weights["prior.0.scale"][level].astype(np.float64) / (HIDDEN * SHARPNESS))
        self._deviation = scale * math.pi / math.sqrt(3) * weights["steps"][level]

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """The vector ``(D,)``, float32, of decoded latents ``(latent, H, W)``."""
        z = (latents.reshape(len(latents), -1) - self._mean[:, None]) / self._deviation[:, None]
        shades = np.digitize(z[:COLOURS], _EDGES)
        colours = shades[0]
        for each in shades[1:]:
            colours = colours * _SHADES + each
        joint = np.bincount(colours, minlength=_SHADES ** len(shades)) / z.shape[1]
        sizes = np.digitize(np.abs(z[COLOURS:_TEXTURES]), _SIZES)
        bins = np.arange(len(_SIZES) + 1)
        texture = (sizes[:, None, :] == bins[:, None]).mean(2).ravel() / max(len(sizes), 1)
        return np.sqrt(np.concatenate([joint, texture])).astype(np.float32)
