"""A linear read-out: logistic regression, its strength and its temperature chosen on what it was not fitted to."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

STRENGTHS = (1e-3, 1e-2, 1e-1, 1e0, 1e1)
"""Inverse strengths of the penalty to choose from."""

_ITERATIONS = 5000
_TEMPERATURES = np.geomspace(0.25, 8, 61)


class ReadOut(NamedTuple):
    """Weights of a read-out.

    Parameters
    ----------
    centre, scale : ndarray, shape (D,)
        What vectors are standardised by.
    weights : ndarray, shape (K, D)
        One row per class.
    bias : ndarray, shape (K,)
        One per class.
    temperature : float
        What logits are divided by; above 1 makes them less sure.
    """

    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    temperature: float = 1.0

    def logits(self, x: np.ndarray) -> np.ndarray:
        """``(N, K)`` of vectors ``(N, D)``, before the temperature."""
        return ((x - self.centre) / self.scale) @ self.weights.T + self.bias

    def probability(self, x: np.ndarray) -> np.ndarray:
        """``(N, K)``; rows sum to 1."""
        return softmax(self.logits(x) / self.temperature)


def finite(read_out: ReadOut) -> ReadOut:
    """Without infinities, as it is stored: what never varied has the weight 0."""
    dead = ~np.isfinite(read_out.scale)
    return read_out._replace(scale=np.where(dead, 1.0, read_out.scale), weights=np.where(dead, 0.0, read_out.weights))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of logits as probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def fit_path(x: np.ndarray, codes: np.ndarray, classes: int, balanced: bool) -> list[ReadOut]:
    """A read-out for each of `STRENGTHS`.

    Parameters
    ----------
    x : ndarray, shape (N, D)
        Vectors.
    codes : ndarray of int, shape (N,)
        Class of each; those that are not among them get the bias of impossible.
    classes : int
        How many there are in all.
    balanced : bool
        Weigh them equally.
    """
    from sklearn.linear_model import LogisticRegression

    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(centre), scale, np.inf)
    model = LogisticRegression(class_weight="balanced" if balanced else None, max_iter=_ITERATIONS, warm_start=True)
    found = []
    for strength in STRENGTHS:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
            model.set_params(C=strength).fit((x - centre) / scale, codes)
        weights, bias = np.zeros((classes, x.shape[1])), np.full(classes, -30.0)
        if len(model.classes_) == 2:  # one row for both
            weights[model.classes_] = np.concatenate([-model.coef_, model.coef_]) / 2
            bias[model.classes_] = np.concatenate([-model.intercept_, model.intercept_]) / 2
        else:
            weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
        found.append(ReadOut(centre, scale, weights, bias))
    return found


def log_loss(logits: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean of minus the logarithm of the probability of the true class."""
    chosen = softmax(logits)[np.arange(len(codes)), codes]
    return float(np.average(-np.log(np.maximum(chosen, 1e-12)), weights=weight))


def best_temperature(logits: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> float:
    """The temperature of least log loss (Guo et al., On Calibration of Modern Neural Networks, ICML 2017)."""
    losses = [log_loss(logits / t, codes, weight) for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def weights_of(codes: np.ndarray, classes: int, balanced: bool) -> np.ndarray:
    """How much each row counts: as much as all others, or so that classes count equally."""
    return 1 / np.bincount(codes, minlength=classes)[codes] if balanced else np.ones(len(codes))
