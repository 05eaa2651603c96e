"""What is learnt from the held-out images once the network is fitted: a temperature, and how odd each class looks."""

from __future__ import annotations

import numpy as np

_LEAST = 10
"""Held-out images that a temperature takes."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities ``(N, K)`` of logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def temperature(logits: np.ndarray, codes: np.ndarray) -> float:
    """The number that logits are divided by so that the held-out images are most likely; 1 if these are too few.

    References
    ----------
    Guo et al.: On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    if len(codes) < _LEAST:
        return 1.0

    def loss(log_temperature: float) -> float:
        z = logits / np.exp(log_temperature)
        top = z.max(axis=1, keepdims=True)
        return float((np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(codes)), codes]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(50)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def oddness(probability: np.ndarray) -> np.ndarray:
    """How odd each image would look as one of each class, ``(N, K)``: one minus the probability of that class."""
    return 1 - probability.astype(np.float64)


def plausibility(held_out: np.ndarray, codes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Conformal p-values of each class, compared with the held-out images of that class alone.

    Parameters
    ----------
    held_out : ndarray, shape (M,)
        `oddness` of held-out images as what they are.
    codes : ndarray of int, shape (M,)
        Their classes.
    probability : ndarray, shape (N, K)
        Of the images that are asked about.

    Returns
    -------
    ndarray of float32, shape (N, K)
        ``(1 + how many held-out images of the class are at least as odd) / (1 + how many there are)``.

    References
    ----------
    Vovk: Conditional validity of inductive conformal predictors, Machine Learning 92 (2013).
    """
    from crepes import ConformalClassifier

    alphas = oddness(probability)
    found = np.ones(probability.shape, np.float32)
    conformal = ConformalClassifier()
    conformal.fit(held_out, bins=codes)
    for k in np.unique(codes):
        bins = np.full(len(alphas), k)
        found[:, k] = conformal.predict_p(alphas[:, [k]], bins=bins, smoothing=False)[:, 0]
    return found
