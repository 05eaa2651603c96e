"""What the contract tests take from scores."""

from __future__ import annotations

import numpy as np

from coverslip.core import ClassScores


def as_predicted(opened: ClassScores) -> ClassScores:
    """An opened result as `coverslip.predict` gives it."""
    return opened


def column(opened: ClassScores, name: str) -> list[str]:
    """A column of the sheet, as an opened result keeps it."""
    return [str(value) for value in opened.obs[name]]


def arrays(predicted: ClassScores) -> list[np.ndarray]:
    """All that was predicted, as arrays to compare."""
    more = [] if predicted.plausibility is None else [predicted.plausibility]
    return [predicted.probability, *more]
