"""Whether probabilities come true, and how wide prediction sets are."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.measure.intervals import Additive, Sums

BINS = 15
"""Into which confidences from 0 to 1 are sorted, all equally wide."""


def _binned(right: np.ndarray, confidence: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Bin of each image, and a table of what it adds to its bin: itself, its confidence, its being right."""
    code = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    return code, np.stack([np.ones_like(confidence), confidence, right.astype(float)], axis=1)


def _summarised(right: Any, confidence: Any) -> Sums:
    from scipy.sparse import csr_array

    right, confidence = np.asarray(right, bool), np.asarray(confidence, float)
    code, adds = _binned(right, confidence, BINS)
    n = len(code)
    places = 3 * code[:, None] + np.arange(3)
    table = csr_array((adds.ravel(), (np.repeat(np.arange(n), 3), places.ravel())), shape=(n, 3 * BINS))

    def finish(sums: np.ndarray) -> np.ndarray:
        sums = sums.reshape(len(sums), BINS, 3)
        return np.abs(sums[..., 1] - sums[..., 2]).sum(axis=1) / sums[..., 0].sum(axis=1)

    return Sums(np.arange(n), table, finish)


calibration_error = Additive(_summarised)
"""Expected calibration error of ``(right, confidence)``, ``(N,)`` each: the mean over images of how far the confidence
of a bin (15 of equal width) is from the share of its images that are right; 0 is best.

References
----------
Guo et al.: On Calibration of Modern Neural Networks, ICML 2017, equation 3.
"""


def reliability(right: np.ndarray, confidence: np.ndarray, bins: int = 10) -> list[dict[str, float]]:
    """How often images are right beside how sure the model is.

    Parameters
    ----------
    right : ndarray of bool, shape (N,)
        Whether each was called its true class.
    confidence : ndarray, shape (N,)
        The probability of the class it was called, 0 to 1.
    bins : int
        Equal parts of 0 to 1.

    Returns
    -------
    list of dict
        Of each bin that holds images their number, mean confidence, and the share that is right.
    """
    code, adds = _binned(np.asarray(right, bool), np.asarray(confidence, float), bins)
    sums = np.stack([np.bincount(code, column, minlength=bins) for column in adds.T], axis=1)
    return [{"images": int(n), "confidence": float(c / n), "right": float(r / n)} for n, c, r in sums.tolist() if n > 0]


def log_loss(codes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability of the true class, nats, ``(N,)``."""
    chosen = probability[np.arange(len(codes)), codes].astype(np.float64)
    return -np.log(np.maximum(chosen, 1e-12))
