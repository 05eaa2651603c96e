"""How far several scales agree, and what they say together."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError


def rank_shares(scores: Any) -> np.ndarray:
    """Ranks as shares of the samples that have a score: in (0, 1), ties at their mean, NaN stays NaN."""
    from scipy.stats import rankdata

    values = np.asarray(scores, dtype=np.float64)
    shares = np.full(values.shape, np.nan)
    known = np.isfinite(values)
    if known.any():
        shares[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return shares


def kendall(scales: Any) -> np.ndarray:
    """Kendall's tau-b between each two scales.

    Parameters
    ----------
    scales : array, shape (S, N)
        Scores of N samples on S scales; a sample counts for a pair of scales where it has both.

    Returns
    -------
    ndarray, shape (S, S)
        NaN where a scale is constant, or fewer than two samples have both.
    """
    from scipy.stats import kendalltau

    values = np.atleast_2d(np.asarray(scales, dtype=np.float64))
    found = np.eye(len(values))
    for i in range(len(values)):
        for j in range(i):
            both = np.isfinite(values[i]) & np.isfinite(values[j])
            varied = both.sum() > 1 and np.ptp(values[i][both]) > 0 and np.ptp(values[j][both]) > 0
            tau = float(kendalltau(values[i][both], values[j][both]).statistic) if varied else float("nan")
            found[i, j] = found[j, i] = tau
    return found


def consensus(scales: Any) -> np.ndarray:
    """The order that several scales say together: the mean of their rank shares.

    Parameters
    ----------
    scales : array, shape (S, N)
        NaN where a scale has no score; such a sample gets the mean of the others.

    Returns
    -------
    ndarray, shape (N,)
        In (0, 1); NaN where no scale has a score.
    """
    values = np.asarray(scales, dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise InputError(f"A consensus is of scales (S, N), not of an array of shape {values.shape}.")
    shares = np.array([rank_shares(row) for row in values])
    known = np.isfinite(shares).sum(axis=0)
    total = np.nansum(shares, axis=0)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)
