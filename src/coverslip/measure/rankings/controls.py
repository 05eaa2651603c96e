"""Controls of a plate: how well they lie apart, and scores measured against them."""

from __future__ import annotations

from typing import Any

import numpy as np


def z_prime(low: Any, high: Any) -> float:
    """Z′ of two controls: ``1 − 3 (σ₁ + σ₂) / abs(µ₁ − µ₂)``; 1 is perfect, below 0 their spreads overlap.

    Parameters
    ----------
    low, high : array
        Scores of the controls, at least two of each; else NaN.

    References
    ----------
    Zhang, Chung and Oldenburg, J. Biomol. Screen. 4 (1999).
    """
    a, b = (np.asarray(part, dtype=np.float64) for part in (low, high))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if min(len(a), len(b)) < 2:
        return float("nan")
    apart = abs(a.mean() - b.mean())
    return float(1 - 3 * (a.std(ddof=1) + b.std(ddof=1)) / apart) if apart > 0 else float("-inf")


def against_controls(scores: Any, plates: Any, low: Any, high: Any, least: int = 2) -> np.ndarray:
    """Scores as parts of the way from the low to the high controls of the same plate.

    Parameters
    ----------
    scores : array, shape (N,)
    plates : array, shape (N,)
    low, high : array of bool, shape (N,)
        Which samples are controls.
    least : int
        Plates with fewer low controls stay as they are; those with fewer high ones are shifted, and take the length of
        the way from all plates together. So do plates whose way is shorter than a quarter of that or runs the other
        way: it would blow up what is noise.

    Returns
    -------
    ndarray, shape (N,)
        0 at the median of the low controls, 1 at that of the high ones.
    """
    values = np.asarray(scores, dtype=np.float64)
    of_plate, low, high = np.asarray(plates), np.asarray(low, bool), np.asarray(high, bool)
    known = np.isfinite(values)
    zeros, ways = {}, {}
    for plate in dict.fromkeys(of_plate.tolist()):
        here = known & (of_plate == plate)
        if (here & low).sum() >= least:
            zeros[plate] = float(np.median(values[here & low]))
            if (here & high).sum() >= least:
                ways[plate] = float(np.median(values[here & high])) - zeros[plate]
    usual = float(np.median(list(ways.values()))) if ways else 0.0
    if usual <= 0:
        ways, usual = {}, 1.0
    found = values.copy()
    for plate, zero in zeros.items():
        way = ways.get(plate, usual)
        found[of_plate == plate] = (values[of_plate == plate] - zero) / (way if way >= usual / 4 else usual)
    return found
