"""What is learnt from the held-out images once the network is fitted: a temperature, and how odd each class looks."""

from __future__ import annotations

import numpy as np

ENOUGH = 9
"""Held-out images with which a class can be ruled out at an error rate of 0.1."""

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


def plausibility(held_out: np.ndarray, codes: np.ndarray, probability: np.ndarray, least: int = ENOUGH) -> np.ndarray:
    """Conformal p-values of each class, compared with the held-out images of that class alone.

    A class with fewer held-out images than `least` could never be ruled out, and every answer would be a set with it:
    it is compared with all held-out images instead, of which alone something is promised then.

    Parameters
    ----------
    held_out : ndarray, shape (M,)
        `oddness` of held-out images as what they are.
    codes : ndarray of int, shape (M,)
        Their classes.
    probability : ndarray, shape (N, K)
        Of the images that are asked about.
    least : int
        Held-out images that a class needs to be compared with its own.

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
    found = np.empty(probability.shape, np.float32)
    of_class, of_all = ConformalClassifier(), ConformalClassifier()
    of_class.fit(held_out, bins=codes)
    of_all.fit(held_out)
    counts = np.bincount(codes, minlength=probability.shape[1])
    for k, count in enumerate(counts):
        conformal, bins = (of_class, np.full(len(alphas), k)) if count >= least else (of_all, None)
        found[:, k] = conformal.predict_p(alphas[:, [k]], bins=bins, smoothing=False)[:, 0]
    return found
