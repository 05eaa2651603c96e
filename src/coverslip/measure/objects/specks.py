"""Measuring without specks, which are often crumbs of a drawing tool, fairly to truth and prediction."""

from __future__ import annotations

import numpy as np

from coverslip.measure.objects.matching import match
from coverslip.measure.objects.overlaps import overlap


def without_specks(truth: np.ndarray, prediction: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Label images without what is small, so that it counts neither for a prediction nor against it.

    Objects are matched first, at IoU 0.5: what is predicted in place of a small true object goes with it, however
    large; a small object that is predicted in place of a large true one stays.

    Parameters
    ----------
    truth, prediction : ndarray of int, shape (H, W)
        Object numbers, 0 is background.
    least : int
        Objects of fewer pixels are small.

    Returns
    -------
    tuple of ndarray
        Both, with the small ones as background.
    """
    shared = overlap(truth, prediction)
    pairs = match(shared, 0.5)
    few = shared.truth_areas < least
    gone = shared.prediction_areas < least
    gone[pairs.prediction] = few[pairs.truth]
    return _without(truth, shared.truth_ids[few]), _without(prediction, shared.prediction_ids[gone])


def _without(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.where(np.isin(labels, numbers), 0, labels) if len(numbers) else labels
