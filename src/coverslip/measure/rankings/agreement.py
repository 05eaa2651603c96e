"""How far several scales agree."""

from __future__ import annotations

from typing import Any

import numpy as np


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
