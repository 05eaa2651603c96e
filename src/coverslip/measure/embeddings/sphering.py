"""Sphering on controls: however untreated samples vary, they vary as much in one direction as in any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import as_features
from coverslip.measure.threads import few_threads

FEWEST = 8
"""Controls that a transform is fitted to at least."""

PER_DIMENSION = 2
"""With fewer controls than this for each dimension, much of their correlation is guessed; whoever reports says so."""

_FLOOR = 0.01
"""Deviations below this share of the largest are taken for it: a dimension that is not in use is not blown up."""


@dataclass(frozen=True)
class Sphering:
    """A sphering transform: ``(x - mean) @ matrix``.

    Parameters
    ----------
    mean : ndarray of float, shape (D,)
        Of the controls.
    matrix : ndarray of float, shape (D, D)
        What vectors are multiplied by from the right.
    controls : int
        How many it was fitted to.
    shrinkage : float
        How far their correlation matrix was drawn towards no correlation at all, from 0 to 1.
    """

    mean: np.ndarray = field(repr=False)
    matrix: np.ndarray = field(repr=False)
    controls: int
    shrinkage: float

    def apply(self, features: Any) -> np.ndarray:
        """Sphered vectors, ``(N, D)``.

        Raises
        ------
        InputError
            If they have another number of dimensions.
        """
        x = as_features(features)
        if x.shape[1] != len(self.mean):
            raise InputError(f"The vectors have {x.shape[1]} dimensions, but the sphering is of {len(self.mean)}.")
        return (x - self.mean) @ self.matrix


def fit_sphering(controls: Any) -> Sphering:
    """Fit a sphering transform to controls.

    ZCA-cor: vectors are brought to mean 0 and deviation 1 of the controls, then turned, stretched and turned back so
    that the controls have no correlation left, each dimension staying as near to what it was as it can. The correlation
    matrix is first shrunk towards the identity by as much as expects the least error, so that few controls do too.

    Parameters
    ----------
    controls : array, shape (n, D)
        Vectors of samples that differ in nothing that matters, such as untreated wells.

    Returns
    -------
    Sphering

    Raises
    ------
    InputError
        If there are fewer than 8, or all are the same.

    References
    ----------
    Kessy, Lewin, Strimmer: Optimal whitening and decorrelation, The American Statistician 72 (2018), equation 19.
    Ledoit, Wolf: A well-conditioned estimator for large-dimensional covariance matrices, J. Multivariate Analysis 88
    (2004).
    """
    from sklearn.covariance import ledoit_wolf

    x = as_features(controls, "vectors of the controls")
    if len(x) < FEWEST:
        raise InputError(f"Sphering needs at least {FEWEST} controls, and there are {len(x)}.")
    mean, deviation = x.mean(axis=0), x.std(axis=0, ddof=1)
    if not deviation.max() > 0:
        raise InputError(f"All {len(x)} controls have the same vector, so nothing can be sphered on them.")
    deviation = np.maximum(deviation, _FLOOR * deviation.max())
    with few_threads(x.size):
        correlation, shrinkage = ledoit_wolf((x - mean) / deviation, assume_centered=True)
        values, axes = np.linalg.eigh(correlation)
        root = (axes / np.sqrt(np.maximum(values, np.finfo(float).eps * values.max()))) @ axes.T
    return Sphering(mean, root / deviation[:, None], len(x), float(shrinkage))
