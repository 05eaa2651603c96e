"""How alike vectors are to those of some classes that were seen before (Mahalanobis distance)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_SHARPNESS = 4
"""Twice as far as the limit counts a sixteenth."""


class Familiar(NamedTuple):
    """Classes as they were seen.

    Parameters
    ----------
    centre, scale : ndarray, shape (D,)
        What vectors are standardised by.
    means : ndarray, shape (K, D)
        Of each class that was seen.
    precision : ndarray, shape (D, D)
        Inverse of the covariance within classes.
    limit : float
        Distance up to which vectors are familiar.
    """

    centre: np.ndarray
    scale: np.ndarray
    means: np.ndarray
    precision: np.ndarray
    limit: float = np.inf

    def distance(self, x: np.ndarray) -> np.ndarray:
        """Of each vector ``(N, D)`` from the nearest class, ``(N,)``."""
        off = ((x - self.centre) / self.scale)[:, None] - self.means
        return np.asarray(np.sqrt(np.einsum("nki,ij,nkj->nk", off, self.precision, off)).min(axis=1))

    def share(self, x: np.ndarray) -> np.ndarray:
        """1 for what is familiar, towards 0 the farther it is beyond the limit; ``(N,)``."""
        return np.asarray(np.minimum(1.0, self.limit / np.maximum(self.distance(x), 1e-12)) ** _SHARPNESS)


def familiar(x: np.ndarray, codes: np.ndarray) -> Familiar:
    """What classes look like, without a limit.

    Parameters
    ----------
    x : ndarray, shape (N, D)
        Vectors.
    codes : ndarray of int, shape (N,)
        The class of each.
    """
    from sklearn.covariance import LedoitWolf

    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(centre), scale, 1.0)
    z = (x - centre) / scale
    seen, places = np.unique(codes, return_inverse=True)
    means = np.stack([z[codes == code].mean(axis=0) for code in seen])
    within = LedoitWolf(assume_centered=True).fit(z - means[places])
    return Familiar(centre, scale, means, within.precision_)
