"""Statistics of predictions against the truth, each resampled by `coverslip.measure.bootstrap` without a loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import as_features, check_length, encode
from coverslip.measure.intervals import Additive, Sums, resampled_by


def _ratio(sums: np.ndarray) -> np.ndarray:
    """Second sum over the first, NaN for 0 / 0; ``(B, 2)`` to ``(B,)``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 1] / sums[..., 0]


def _mean_over_present(sums: np.ndarray) -> np.ndarray:
    """Mean over the classes that occur of a ratio per class; ``(B, 2 K)`` to ``(B,)``."""
    sums = sums.reshape(len(sums), -1, 2)
    occurs = sums[..., 0] > 0
    ratios = np.where(occurs, _ratio(sums), 0)
    with np.errstate(invalid="ignore"):
        return ratios.sum(axis=1) / occurs.sum(axis=1)


def _values(values: Any) -> np.ndarray:
    array = as_features(values, "values")
    if array.shape[1] != 1:
        raise InputError(f"The values must be one number per sample, but their shape is {np.shape(values)}.")
    return array[:, 0]


def _summed_values(values: Any) -> Sums:
    values = _values(values)
    return Sums(np.arange(len(values)), np.stack([np.ones_like(values), values], axis=1), _ratio)


_MEAN = Additive(_summed_values)


@resampled_by(_MEAN)
def mean(values: Any) -> float:
    """Mean of one number per sample.

    Parameters
    ----------
    values : array, shape (N,)
        Such as the squared error of each image.
    """
    return _MEAN(values)


def _hits(truth: Any, predicted: Any) -> tuple[np.ndarray, np.ndarray, int]:
    """A code per sample, which of the codes are hits, and the number of classes."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    check_length(predicted, len(truth), "predictions")
    if (truth.dtype.kind in "US") != (predicted.dtype.kind in "US"):  # else NumPy makes text of the numbers
        truth, predicted = truth.astype(object), predicted.astype(object)
    both = encode(np.concatenate([truth, predicted]))
    k = len(both.classes)
    codes = both.codes[: len(truth)] * k + both.codes[len(truth) :]
    return codes, np.eye(k).ravel(), k


def _summed_hits(truth: Any, predicted: Any) -> Sums:
    codes, hit, _ = _hits(truth, predicted)
    return Sums(codes, np.stack([np.ones_like(hit), hit], axis=1), _ratio)


_ACCURACY = Additive(_summed_hits)


@resampled_by(_ACCURACY)
def accuracy(truth: Any, predicted: Any) -> float:
    """Share of samples whose prediction is right.

    Parameters
    ----------
    truth, predicted : array, shape (N,)
        Labels of any kind.

    Returns
    -------
    float
        From 0 to 1; higher is better. With unequal classes, always naming the largest already scores its share.
    """
    return _ACCURACY(truth, predicted)


def _hits_per_class(truth: Any, predicted: Any) -> Sums:
    from scipy.sparse import csr_array

    codes, hit, k = _hits(truth, predicted)
    cells = np.arange(k * k)
    adds = np.stack([np.ones_like(hit), hit], axis=1)
    places = 2 * (cells // k)[:, None] + [0, 1]
    table = csr_array((adds.ravel(), (np.repeat(cells, 2), places.ravel())), shape=(k * k, 2 * k))
    return Sums(codes, table, _mean_over_present)


_BALANCED_ACCURACY = Additive(_hits_per_class)


@resampled_by(_BALANCED_ACCURACY)
def balanced_accuracy(truth: Any, predicted: Any) -> float:
    """Mean over the classes of the share of their samples that are recognised (mean recall).

    Parameters
    ----------
    truth, predicted : array, shape (N,)
        Labels of any kind.

    Returns
    -------
    float
        From 0 to 1; higher is better, 1 / K by chance whatever the sizes of the K classes. Classes that do not occur in
        `truth` do not count.
    """
    return _BALANCED_ACCURACY(truth, predicted)


def _values_per_class(values: Any, classes: Any) -> Sums:
    values, labels = _values(values), encode(classes, "classes")
    check_length(labels.codes, len(values), "classes")
    different, which = np.unique(values, return_inverse=True)
    pairs, codes = np.unique(labels.codes * len(different) + which, return_inverse=True)
    table = np.zeros((len(pairs), len(labels.classes), 2))
    table[np.arange(len(pairs)), pairs // len(different), 0] = 1
    table[np.arange(len(pairs)), pairs // len(different), 1] = different[pairs % len(different)]
    return Sums(codes, table.reshape(len(pairs), -1), _mean_over_present)


_CLASS_MEAN = Additive(_values_per_class)


@resampled_by(_CLASS_MEAN)
def class_mean(values: Any, classes: Any) -> float:
    """Mean over the classes of the mean within each, so that every class counts the same.

    Parameters
    ----------
    values : array, shape (N,)
        One number per sample.
    classes : array, shape (N,)
        Labels of any kind.
    """
    return _CLASS_MEAN(values, classes)


def _squares(truth: Any, predicted: Any) -> Sums:
    y, p = _values(truth), _values(predicted)
    check_length(p, len(y), "predictions")
    centred = y - y.mean()  # R² does not change; the sums of squares stay small
    table = np.stack([np.ones_like(y), centred, centred**2, (y - p) ** 2], axis=1)
    return Sums(np.arange(len(y)), table, _r_squared)


def _r_squared(sums: np.ndarray) -> np.ndarray:
    n, y, yy, error = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = yy - y**2 / n
        return np.where(total > 0, 1 - error / total, np.nan)


_R_SQUARED = Additive(_squares)


@resampled_by(_R_SQUARED)
def r_squared(truth: Any, predicted: Any) -> float:
    """Share of the variance of a measurement that a prediction explains (coefficient of determination).

    Parameters
    ----------
    truth, predicted : array, shape (N,)
        Numbers.

    Returns
    -------
    float
        At most 1; higher is better, 0 for always naming the mean, negative for worse than that. NaN if `truth` does not
        vary.
    """
    return _R_SQUARED(truth, predicted)
