"""What a patch looks like, told from its latents: how often each of them takes which values, wherever in the patch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from coverslip.methods.slide_codec.freezing import HIDDEN, SHARPNESS

COLOURS = 3
"""The first latents, which are little but the mean colour of 16² pixels."""
_SHADES = np.array([-1.5, -1, -0.5, 0, 0.5, 1, 1.5])
_SIZES = np.array([0.3, 1.2])
_WORTH = 0.3
"""What colours count beside texture: much more, and slides are told apart by their stain."""


class Description:
    """Vectors to search with, of latents.

    Of each latent a histogram, in deviations that the prior expects of it: of the first three, which are colours, of
    their values (8 bins); of the others, which are textures, of their sizes (3 bins), since their signs turn with the
    patch. Square roots of the shares are kept, so that the product of two vectors is the affinity of Bhattacharyya. It
    does not matter where in the patch something is.

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
        colours = _shares(z[:COLOURS], _SHADES)
        textures = _shares(np.abs(z[COLOURS:]), _SIZES)
        return np.concatenate([_WORTH * colours, textures]).astype(np.float32)


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Square roots of the shares of each bin in each row, all together of length 1."""
    bins = np.digitize(values, edges)
    shares = np.stack([(bins == number).mean(1) for number in range(len(edges) + 1)], 1)
    return np.sqrt(shares.ravel() / max(len(values), 1))
