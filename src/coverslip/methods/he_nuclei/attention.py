"""The first of the two maps, z_a: where the colour says that a nucleus is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from coverslip.methods.he_nuclei.stain import RUIFROK, Matrix, density, haematoxylin, macenko

WINDOW = 2.1
"""Side of the window of the local threshold, diameters of a nucleus."""
_SMOOTH = 1 / 16
"""Standard deviation of the Gaussian before the threshold, diameters."""
_LEAST = 0.02
"""Optical density by which nuclei stand out of what surrounds them, at least."""


@dataclass(frozen=True)
class Stain:
    """What the colours of a field are: found once for the whole of it, so that its blocks agree.

    Parameters
    ----------
    stains : ndarray, shape (3, 3) or (2, 3)
        Colours of pure stains, haematoxylin first.
    threshold : float
        Of Otsu, between background and nuclei, in amounts of haematoxylin.
    low, high : float
        Mean amounts on its two sides.
    """

    stains: np.ndarray
    threshold: float
    low: float
    high: float

    @classmethod
    def of(cls, parts: Sequence[np.ndarray], diameter: float, matrix: Matrix = "fixed") -> Stain:
        """From pixels.

        Parameters
        ----------
        parts : sequence of ndarray, each (3, h, w)
            The field, or parts of it, RGB in [0, 1].
        diameter : float
            Of nuclei, pixels.
        matrix : {"fixed", "macenko"}
            Where the colours of the stains come from; an image of one stain falls back on the fixed ones.
        """
        from skimage.filters import threshold_otsu

        found = [density(part) for part in parts]
        estimated = None
        if matrix == "macenko":
            estimated = macenko(np.concatenate([part.reshape(3, -1) for part in found], axis=1))
        stains = RUIFROK if estimated is None else estimated
        amounts = [ndimage.gaussian_filter(haematoxylin(part, stains), _SMOOTH * diameter).ravel() for part in found]
        amount = np.concatenate(amounts)
        if np.ptp(amount) == 0:
            return cls(stains, float(amount[0]), float(amount[0]), float(amount[0]))
        threshold = float(threshold_otsu(amount))
        above = amount > threshold
        return cls(stains, threshold, float(amount[~above].mean()), float(amount[above].mean()))

    @property
    def flat(self) -> bool:
        """Whether nothing stands out: no more is dark than an empty tile is."""
        return self.high - self.low < _LEAST

    def attention(self, rgb: np.ndarray, diameter: float) -> np.ndarray:
        """The map z_a of some pixels of the field.

        Parameters
        ----------
        rgb : ndarray, shape (3, H, W)
            In [0, 1].
        diameter : float
            Of nuclei, pixels.

        Returns
        -------
        ndarray, shape (H, W), float32
            In [0, 1]: 1/2 at a threshold half of which is that of Otsu over the whole field and half the mean of the
            neighbourhood; the mean amounts of haematoxylin on both sides of Otsu's threshold are 1 apart. It is a scale
            of its own for each field, comparable with a probability.
        """
        if self.flat:
            return np.zeros(rgb.shape[1:], np.float32)
        amount = ndimage.gaussian_filter(haematoxylin(density(rgb), self.stains), _SMOOTH * diameter)
        nearby = ndimage.gaussian_filter(amount, WINDOW * diameter / 6, truncate=3.0)
        above = amount - (self.threshold + nearby) / 2
        return np.clip(0.5 + above / (self.high - self.low), 0, 1).astype(np.float32)
