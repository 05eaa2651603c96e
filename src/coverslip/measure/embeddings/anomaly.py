"""How unusual a value is, without being misled by the unusual values themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import as_features

# Median absolute deviation and mean absolute deviation of a normal distribution, as multiples of its sigma.
_MAD_TO_SIGMA = 1.482602218505602
_MEAN_TO_SIGMA = 1.2533141373155001


def robust_z(values: Any, reference: Any = None) -> np.ndarray:
    r"""Anomaly score: the robust z-score :math:`(v - \mathrm{median}) / (1.4826\,\mathrm{MAD})`.

    Parameters
    ----------
    values : array, shape (N,) or (N, D)
        Such as the reconstruction error of each sample; columns are scored each for itself.
    reference : array, shape (M,) or (M, D), optional
        Values of ordinary samples (controls, the training set). Default: `values` themselves.

    Returns
    -------
    ndarray of float64, shape as `values`
        In robust standard deviations, 0 at the median, signed: high means unusually large. Like a z-score for normal
        data; 3.5 is a customary limit. Where more than half of the reference is one value the mean absolute deviation
        takes the place of the MAD; where all of it is, other values score ±infinity.

    References
    ----------
    Iglewicz, Hoaglin: How to detect and handle outliers, ASQC 1993.
    """
    given = np.asarray(values)
    scored = as_features(values, "values")
    ordinary = scored if reference is None else as_features(reference, "reference values")
    if scored.shape[1] != ordinary.shape[1]:
        raise InputError(
            f"The values have {scored.shape[1]} columns but the reference {ordinary.shape[1]}; they must match."
        )
    centre = np.median(ordinary, axis=0)
    deviation = np.abs(ordinary - centre)
    scale = _MAD_TO_SIGMA * np.median(deviation, axis=0)
    scale = np.where(scale > 0, scale, _MEAN_TO_SIGMA * deviation.mean(axis=0))
    difference = scored - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(difference == 0, 0.0, difference / scale)
    return score.reshape(given.shape)
