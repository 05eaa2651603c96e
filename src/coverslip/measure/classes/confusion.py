"""Measures that follow from how often each class was taken for each other one; resampled without a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.intervals import Additive, Sums


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How often each true class was called each class.

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (N,)
        Codes from 0 to K - 1.
    classes : int
        K.

    Returns
    -------
    ndarray of int, shape (K, K)
        True classes are rows.
    """
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def of_confusion(classes: int, finish: Callable[[np.ndarray], np.ndarray]) -> Additive:
    """A statistic of ``(truth, predicted)``, codes ``(N,)`` each, that follows from their table of counts.

    Parameters
    ----------
    classes : int
        K.
    finish : callable
        From counts ``(B, K, K)``, true classes as rows, to ``(B,)``.
    """

    def summarise(truth: Any, predicted: Any) -> Sums:
        codes = np.asarray(truth) * classes + np.asarray(predicted)
        return Sums(codes, np.eye(classes**2), lambda sums: finish(sums.reshape(len(sums), classes, classes)))

    return Additive(summarise)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return part / whole


def recalls(counts: np.ndarray) -> np.ndarray:
    """Of the images of each class the share that is recognised (sensitivity), ``(B, K)``; NaN where there are none."""
    return _share(np.einsum("bkk->bk", counts), counts.sum(axis=2))


def precisions(counts: np.ndarray) -> np.ndarray:
    """Of what is called each class the share that is it, ``(B, K)``; NaN where nothing is."""
    return _share(np.einsum("bkk->bk", counts), counts.sum(axis=1))


def specificities(counts: np.ndarray) -> np.ndarray:
    """Of the images of other classes the share that is not called so, ``(B, K)``."""
    others = counts.sum(axis=(1, 2))[:, None] - counts.sum(axis=2)
    return 1 - _share(counts.sum(axis=1) - np.einsum("bkk->bk", counts), others)


def f1_scores(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of recall and precision, ``(B, K)``; NaN where a class neither occurs nor is called."""
    return _share(2 * np.einsum("bkk->bk", counts), counts.sum(axis=1) + counts.sum(axis=2))


PER_CLASS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "precision": precisions,
    "recall": recalls,
    "F1": f1_scores,
    "specificity": specificities,
}
"""Measures of each class, from counts ``(B, K, K)`` to ``(B, K)``."""


def accuracy_of(counts: np.ndarray) -> np.ndarray:
    """Share of images that are called what they are, ``(B,)``."""
    return _share(np.einsum("bkk->b", counts), counts.sum(axis=(1, 2)))


def balanced_accuracy_of(counts: np.ndarray) -> np.ndarray:
    """Mean recall over the classes that occur, ``(B,)``."""
    return _over_classes(recalls(counts))


def macro_f1_of(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur, ``(B,)``: as of balanced accuracy, of a domain those of no other count."""
    return _over_classes(np.where(counts.sum(axis=2) > 0, f1_scores(counts), np.nan))


def kappa_of(counts: np.ndarray, weights: str = "quadratic") -> np.ndarray:
    """Cohen's kappa, ``(B,)``: agreement beyond that of the same row and column sums by chance.

    Parameters
    ----------
    counts : ndarray, shape (B, K, K)
        True classes as rows, in their order.
    weights : {"quadratic", "none"}
        ``quadratic``: an error counts as the square of how many steps it is off.

    References
    ----------
    Cohen: Weighted kappa, Psychological Bulletin 70 (1968).
    """
    if weights not in ("quadratic", "none"):
        raise InputError(f"Kappa has the weights 'quadratic' or 'none', not '{weights}'.")
    k = np.arange(counts.shape[1])
    cost = (k[:, None] - k[None]) ** 2 if weights == "quadratic" else (k[:, None] != k[None]).astype(float)
    total = counts.sum(axis=(1, 2))
    by_chance = np.einsum("bi,bj,ij->b", counts.sum(axis=2), counts.sum(axis=1), cost)
    return 1 - _share(np.einsum("bij,ij->b", counts, cost) * total, by_chance)


def _over_classes(values: np.ndarray) -> np.ndarray:
    """Mean over the classes for which there is a value."""
    there = ~np.isnan(values)
    return _share(np.where(there, values, 0).sum(axis=1), there.sum(axis=1))
