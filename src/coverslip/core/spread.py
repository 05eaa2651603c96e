"""Some of many, spread evenly."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """Of `count` rows at most so many, the first and the last among them, as ascending integers."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
