"""Whether each pixel is rightly called object or background, of labels and of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.objects.instances import share
from coverslip.measure.objects.overlaps import Overlap

# Probabilities are counted in steps of 0.023 of their logit, evenly fine near 0, near 1 and between.
STEPS, _REACH = 1024, 12.0


@dataclass(frozen=True)
class PixelScores:
    """Object against background, pixel by pixel.

    Parameters
    ----------
    accuracy : float
        Share of pixels that are called rightly. High wherever most is background: look at the others.
    precision, recall : float
        Share of the predicted foreground that is true, and of the true foreground that is predicted.
    f1 : float
        2 TP / (2 TP + FP + FN), the Dice coefficient of the foreground.
    iou : float
        TP / (TP + FP + FN) of the foreground.
    """

    accuracy: float
    precision: float
    recall: float
    f1: float
    iou: float


def pixel_scores(overlap: Overlap) -> PixelScores:
    """Accuracy, precision, recall, F1 and IoU of the pixels of one image, whatever object they belong to.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    PixelScores
        Where there is neither true nor predicted foreground, all are 1.
    """
    sums = np.array(pixel_sums(overlap))
    return PixelScores(*(float(of(*sums)) for of in (accuracy, precision, recall, f1, iou)))


def pixel_sums(overlap: Overlap) -> tuple[int, int, int, int]:
    """Pixels that are true positive, false positive, false negative, and all pixels."""
    tp, true, predicted = (
        int(of.sum()) for of in (overlap.intersection, overlap.truth_areas, overlap.prediction_areas)
    )
    return tp, predicted - tp, true - tp, overlap.pixels


def accuracy(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Share of pixels that are called rightly."""
    return share(pixels - fp - fn, pixels)


def precision(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, *_: Any) -> np.ndarray:
    """TP / (TP + FP); 0 where nothing was found but something is there."""
    return np.where((tp + fp == 0) & (fn > 0), 0.0, share(tp, tp + fp))


def recall(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, *_: Any) -> np.ndarray:
    """TP / (TP + FN); 0 where nothing is there but something was found."""
    return np.where((tp + fn == 0) & (fp > 0), 0.0, share(tp, tp + fn))


def f1(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, *_: Any) -> np.ndarray:
    """2 TP / (2 TP + FP + FN)."""
    return share(2 * tp, 2 * tp + fp + fn)


def iou(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, *_: Any) -> np.ndarray:
    """TP / (TP + FP + FN)."""
    return share(tp, tp + fp + fn)


def pixel_auroc(truth: Any, probability: Any) -> float:
    """Area under the receiver operating characteristic of the pixels of one image.

    Parameters
    ----------
    truth : array of int or bool, shape (H, W)
        Labels or a mask; what is not 0 is foreground.
    probability : array of float or unsigned int, shape (H, W)
        Of being foreground, from 0 to 1, or to the largest value of an unsigned type.

    Returns
    -------
    float
        The probability that a pixel of the foreground is rated above one of the background; 0.5 by chance, NaN where
        there is only one of the two. Probabilities are counted in 1,024 steps of their logit, which moves the area by
        less than 0.0001 for any but contrived images.

    Raises
    ------
    InputError
        If the sizes differ or a value lies outside 0 to 1.
    """
    return float(auroc(probability_counts(truth, probability)[None])[0])


def probability_counts(truth: Any, probability: Any) -> np.ndarray:
    """How many pixels of background and of foreground have which probability, ``(2, 1024)``."""
    truth, values = np.asarray(truth), np.asarray(probability)
    if truth.shape != values.shape:
        raise InputError(f"The truth has the shape {truth.shape}, but the probabilities {values.shape}; give the same.")
    if values.dtype.kind == "u":
        values = values / np.iinfo(values.dtype).max
    if values.dtype.kind != "f" or not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise InputError("A probability lies from 0 to 1, but there are other values in the map of probabilities.")
    with np.errstate(divide="ignore"):
        logit = np.log(values.astype(np.float64)) - np.log1p(-values.astype(np.float64))
    step = np.clip((logit + _REACH) * (STEPS / (2 * _REACH)), 0, STEPS - 1).astype(np.intp)
    codes = (step + STEPS * (truth != 0)).ravel()
    return np.bincount(codes, minlength=2 * STEPS).reshape(2, STEPS)


def auroc(counts: np.ndarray) -> np.ndarray:
    """AUROC of counted probabilities ``(B, 2, K)``, pixels in one step counting half; NaN without both classes."""
    below = np.cumsum(counts[:, 0], axis=1) - counts[:, 0] / 2
    pairs = (counts[:, 1] * below).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return pairs / (counts[:, 0].sum(axis=1, dtype=np.float64) * counts[:, 1].sum(axis=1))
