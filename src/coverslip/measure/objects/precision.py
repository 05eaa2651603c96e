"""Average precision of objects: of those true or found the share that is both, at one IoU or the mean of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from coverslip.measure.objects.instances import share
from coverslip.measure.objects.matching import THRESHOLDS, count_matches
from coverslip.measure.objects.overlaps import overlap


def ap(tp: Any, n_true: Any, n_predicted: Any) -> np.ndarray:
    """TP / (TP + FP + FN): of one image, or of several added up; 1 where nothing is and nothing was found."""
    return share(tp, n_true + n_predicted - tp)


def mean_ap(*sums: np.ndarray) -> np.ndarray:
    """The mean of `ap` over thresholds: true positives at each, then the numbers of true and predicted objects."""
    *matched, n_true, n_predicted = sums
    return np.mean([ap(tp, n_true, n_predicted) for tp in matched], axis=0)


def mean_ap_of(pairs: Iterable[tuple[Any, Any]]) -> float:
    """The mean of `ap` over IoU 0.5, 0.55, …, 0.95, of all objects of several label images taken together.

    Parameters
    ----------
    pairs : iterable of (truth, prediction)
        Label images ``(H, W)``; one pair is held at a time.
    """
    total = np.zeros(len(THRESHOLDS) + 2, dtype=np.int64)
    for truth, prediction in pairs:
        shared = overlap(truth, prediction)
        total += [*count_matches(shared), shared.n_true, shared.n_predicted]
    return float(mean_ap(*total))
