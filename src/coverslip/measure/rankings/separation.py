"""Whether three classes lie apart on a scale: the accuracy of Babu's thesis, beside the least that it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import encode


@dataclass(frozen=True)
class Separation:
    """How three classes lie on a scale.

    Parameters
    ----------
    accuracy : float
        1 − errors / n, in [floor, 1].
    floor : float
        The share of the middle class: what the accuracy is where every point of the other two counts as an error.
    errors : int
        Points of the lowest class above the minimum of the middle one, and of the highest below its maximum.
    middle : str
        The class whose mean is the middle one.
    n : int
        Points of all three.
    """

    accuracy: float
    floor: float
    errors: int
    middle: str
    n: int


def separation_accuracy(scores: Any, classes: Any) -> Separation:
    """The ranking accuracy of the thesis, with its floor.

    It takes the minimum and the maximum of the middle class, so that a single outlier in it ruins the number, and it
    rewards separation in any order. Read it beside `pairwise_auroc` and `jonckheere_terpstra`.

    Parameters
    ----------
    scores : array, shape (N,)
        Places on the scale.
    classes : array, shape (N,)
        Exactly three different ones.

    Raises
    ------
    InputError
        If there are not three classes, or a score is no finite number.

    References
    ----------
    Babu: Determination of drug efficacy on pancreatic tumor 3D spheroidal tissues, 2024, chapter 9.
    """
    values, found = finite(scores), encode(classes, "classes")
    if len(found.names) != 3:
        raise InputError(
            f"The separation is that of three classes; these are {len(found.names)}: {listed(found.names)}."
        )
    parts = [values[found.codes == code] for code in range(3)]
    lowest, middle, highest = np.argsort([part.mean() for part in parts], kind="stable")
    errors = int((parts[lowest] > parts[middle].min()).sum() + (parts[highest] < parts[middle].max()).sum())
    n = len(values)
    return Separation(1 - errors / n, len(parts[middle]) / n, errors, str(found.names[middle]), n)


def finite(scores: Any) -> np.ndarray:
    """Scores as float64.

    Raises
    ------
    InputError
        If they are no column of finite numbers.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InputError("Scores are a column of finite numbers; leave out the samples that have none.")
    return values


def listed(names: Any) -> str:
    """Names in a sentence."""
    return ", ".join(map(str, names))
