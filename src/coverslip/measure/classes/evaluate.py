"""All measures of a classifier as one table: of everything, and of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.classes.calibration import calibration_error, log_loss
from coverslip.measure.classes.confusion import (
    PER_CLASS,
    accuracy_of,
    balanced_accuracy_of,
    confusion,
    kappa_of,
    macro_f1_of,
    of_confusion,
    precisions,
    recalls,
)
from coverslip.measure.classes.ranking import auroc, macro_auroc, micro_auroc
from coverslip.measure.intervals import Interval, bootstrap
from coverslip.measure.scores import mean

ALL = "all"
"""What stands in the column ``class`` for all classes together."""

_SLOW = 500
"""Resamplings of measures that look at every image of each."""


@dataclass(frozen=True)
class Classification:
    """What a classifier says about images whose classes are known.

    Parameters
    ----------
    classes : sequence of str
        K names.
    codes : ndarray of int, shape (N,)
        True classes.
    probability : ndarray, shape (N, K)
        Of each class.
    sets : ndarray of bool, shape (N, K), optional
        Classes that were not ruled out.
    ordered : bool
        Whether the order of the classes means something.
    groups : ndarray, shape (N,), optional
        Resampled whole.
    """

    classes: Sequence[str]
    codes: np.ndarray
    probability: np.ndarray
    sets: np.ndarray | None = None
    ordered: bool = False
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.codes) < 2:
            raise InputError(f"At least 2 images with a known class are needed to measure, not {len(self.codes)}.")

    @property
    def predicted(self) -> np.ndarray:
        """Codes of the most likely classes, ``(N,)``."""
        return self.probability.argmax(axis=1)

    @property
    def confusion(self) -> np.ndarray:
        """``(K, K)``, true classes as rows."""
        return confusion(self.codes, self.predicted, len(self.classes))


def evaluate_classes(
    found: Classification, *, seed: int = 0, resamplings: int = 2000, by_class: bool = True
) -> list[dict[str, Any]]:
    """Measure a classifier, each number with its 95 % bootstrap interval over images (or whole groups).

    Parameters
    ----------
    found : Classification
        Predictions and truth.
    seed : int
        Decides the resampling.
    resamplings : int
        How many; AUCs have at most 500, for they look at every image of each.
    by_class : bool
        Measure each class, too.

    Returns
    -------
    list of dict
        ``class`` (``all``, or one), ``measure``, ``value``, ``low``, ``high``, ``n``.
    """
    interval = partial(bootstrap, groups=found.groups, seed=seed, n=resamplings)
    slow = min(_SLOW, resamplings)
    codes, predicted, k = found.codes, found.predicted, len(found.classes)
    right, confidence = predicted == codes, found.probability.max(axis=1)
    wholes: dict[str, Interval] = {
        "accuracy": interval(of_confusion(k, accuracy_of), codes, predicted),
        "balanced accuracy": interval(of_confusion(k, balanced_accuracy_of), codes, predicted),
        "macro F1": interval(of_confusion(k, macro_f1_of), codes, predicted),
    }
    if found.ordered:
        wholes["quadratic kappa"] = interval(of_confusion(k, kappa_of), codes, predicted)
    if len(np.unique(codes)) > 1:  # a domain may hold one class only, which nothing can be told from
        wholes["AUC macro"] = interval(macro_auroc, codes, found.probability, n=slow)
    wholes |= {
        "AUC micro": interval(micro_auroc, codes, found.probability, n=slow),
        "calibration error": interval(calibration_error, right, confidence),
        "log loss": interval(mean, log_loss(codes, found.probability)),
    }
    if found.sets is not None:
        wholes |= _of_sets(found.sets[np.arange(len(codes)), codes], found.sets.sum(axis=1), right, interval)
    rows = [_row(ALL, name, value) for name, value in wholes.items()]
    for c, name in enumerate(found.classes if by_class else ()):
        of_class = {
            measure: interval(of_confusion(k, partial(_one, finish, c)), codes, predicted)
            for measure, finish in PER_CLASS.items()
        }
        of_class["AUC"] = interval(auroc, codes == c, found.probability[:, c], n=slow)
        if found.sets is not None and (codes == c).sum() > 1:
            # Of the images of the class the share whose set holds it.
            of_class["coverage"] = interval(of_confusion(2, partial(_one, recalls, 1)), codes == c, found.sets[:, c])
        support = int((codes == c).sum())
        rows += [{**_row(str(name), measure, value), "n": support} for measure, value in of_class.items()]
    return rows


def _of_sets(covered: np.ndarray, sizes: np.ndarray, right: np.ndarray, interval: Any) -> dict[str, Interval]:
    sure = sizes == 1
    found = {
        "coverage": interval(mean, covered.astype(float)),
        "set size": interval(mean, sizes.astype(float)),
        "abstained": interval(mean, (~sure).astype(float)),
    }
    if sure.sum() > 1:
        # Of those the share that is right.
        of_sure = interval(of_confusion(2, partial(_one, precisions, 1)), right, sure)
        found["accuracy where sure"] = replace(of_sure, n=int(sure.sum()))
    return found


def _one(finish: Any, which: int, counts: np.ndarray) -> np.ndarray:
    values: np.ndarray = finish(counts)[:, which]
    return values


def _row(name: str, measure: str, value: Interval) -> dict[str, Any]:
    return {
        "class": name,
        "measure": measure,
        "value": value.value,
        "low": value.low,
        "high": value.high,
        "n": value.n,
    }


def confused_pairs(found: Classification, most: int = 8) -> list[dict[str, Any]]:
    """Which class is most often taken for which, the worst first.

    Parameters
    ----------
    found : Classification
        What was measured.
    most : int
        How many pairs.

    Returns
    -------
    list of dict
        ``true``, ``called``, ``images`` and the ``share`` of the true class.
    """
    table = found.confusion
    off = table - np.diag(np.diag(table))
    order = np.argsort(-off.ravel(), kind="stable")[:most]
    pairs = [divmod(int(i), len(found.classes)) for i in order if off.ravel()[i] > 0]
    return [
        {
            "true": str(found.classes[t]),
            "called": str(found.classes[p]),
            "images": int(off[t, p]),
            "share": float(off[t, p] / table[t].sum()),
        }
        for t, p in pairs
    ]
