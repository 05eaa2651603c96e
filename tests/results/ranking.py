"""What the contract tests take from rankings."""

from __future__ import annotations

import numpy as np

import coverslip as cs


def as_predicted(opened: cs.Ranking) -> cs.Ranking:
    """An opened result as `coverslip.predict` gives it."""
    return opened


def column(opened: cs.Ranking, name: str) -> list[str]:
    """A column of the sheet, as an opened result keeps it."""
    return [str(value) for value in opened.column(name)]


def arrays(predicted: cs.Ranking) -> list[np.ndarray]:
    """All that was predicted, as arrays to compare."""
    return [
        predicted.column("score"),
        predicted.column("rank"),
        predicted.treatments["score"],
        *predicted.scales.values(),
    ]
