"""Dose and response: curves of four parameters, fitted with scipy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError


@dataclass(frozen=True)
class DoseCurve:
    """A four-parameter curve, ``bottom + (top − bottom) xʰ / (ec50ʰ + xʰ)``.

    Parameters
    ----------
    bottom, top : float
        Response without drug, and with as much as you like.
    ec50 : float
        Dose of half the effect, in the unit of the doses.
    slope : float
        The exponent h, > 0.
    ec50_low, ec50_high, effect_low, effect_high : float
        95 % intervals of ``ec50`` and of ``top − bottom``, from the covariance of the fit; NaN where it has none.
    p : float
        Of the F test against a flat line.
    n : int
        Wells.
    inside : bool
        Whether ``ec50`` lies inside the doses that were given.
    """

    bottom: float
    top: float
    ec50: float
    slope: float
    ec50_low: float
    ec50_high: float
    effect_low: float
    effect_high: float
    p: float
    n: int
    inside: bool

    @property
    def effect(self) -> float:
        """Top minus bottom."""
        return self.top - self.bottom

    def response(self, doses: Any) -> np.ndarray:
        """The curve at some doses."""
        return _curve(np.asarray(doses, float), self.bottom, self.effect, np.log(self.ec50), np.log(self.slope))


def dose_curve(doses: Any, responses: Any) -> DoseCurve:
    """Fit a dose–response curve of four parameters by least squares (`scipy.optimize.curve_fit`).

    Parameters
    ----------
    doses : array, shape (N,)
        Doses ≥ 0; wells without drug have 0.
    responses : array, shape (N,)

    Raises
    ------
    InputError
        If there are fewer than 4 different doses or 6 wells: four parameters need more; or if no curve fits.
    """
    from scipy.optimize import curve_fit
    from scipy.stats import f as f_distribution
    from scipy.stats import t as t_distribution

    x, y = np.asarray(doses, np.float64), np.asarray(responses, np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(np.unique(x)) < 4 or len(x) < 6 or (x < 0).any():
        raise InputError("A curve of four parameters needs at least 4 different doses, none below 0, in 6 wells.")
    given = np.unique(x[x > 0])
    low, high = np.log(given[0]) - 3, np.log(given[-1]) + 3
    spread = max(float(np.ptp(y)), 1e-9)
    ends = [y[x == x.min()].mean(), y[x == x.max()].mean()]
    best = None
    for start in np.log(given):
        guess = [ends[0], ends[1] - ends[0], start, 0.0]
        bounds = ([y.min() - spread, -3 * spread, low, np.log(0.3)], [y.max() + spread, 3 * spread, high, np.log(8)])
        try:
            found, covariance = curve_fit(_curve, x, y, p0=guess, bounds=bounds, max_nfev=4000)
        except RuntimeError:  # from here it leads nowhere
            continue
        rest = float(((y - _curve(x, *found)) ** 2).sum())
        if best is None or rest < best[0]:
            best = rest, found, covariance
    if best is None:
        raise InputError("No curve of four parameters fits these doses and responses.")
    rest, found, covariance = best
    free = len(x) - 4
    flat = float(((y - y.mean()) ** 2).sum())
    ratio = ((flat - rest) / 3) / max(rest / free, 1e-300)
    wide = t_distribution.ppf(0.975, free) * np.sqrt(np.abs(np.diag(covariance)))
    if not np.isfinite(wide).all():
        wide = np.full(4, np.nan)
    return DoseCurve(
        bottom=float(found[0]),
        top=float(found[0] + found[1]),
        ec50=float(np.exp(found[2])),
        slope=float(np.exp(found[3])),
        ec50_low=float(np.exp(max(found[2] - wide[2], -700))),
        ec50_high=float(np.exp(min(found[2] + wide[2], 700))),
        effect_low=float(found[1] - wide[1]),
        effect_high=float(found[1] + wide[1]),
        p=float(f_distribution.sf(ratio, 3, free)),
        n=len(x),
        inside=bool(given[0] <= np.exp(found[2]) <= given[-1]),
    )


def _curve(x: np.ndarray, bottom: float, effect: float, log_ec50: float, log_slope: float) -> np.ndarray:
    with np.errstate(divide="ignore", over="ignore"):
        return bottom + effect / (1 + np.exp(np.exp(log_slope) * (log_ec50 - np.log(x))))
