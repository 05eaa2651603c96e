"""What the contract tests take from decompositions; see `embedding.py` beside it."""

from __future__ import annotations

import numpy as np

import coverslip as cs
from coverslip.read import LabelFolder, read_decomposition

from .labels import column as column


def as_predicted(opened: LabelFolder) -> list[cs.Decomposition]:
    return [read_decomposition(opened, i) for i in range(len(opened))]


def arrays(predicted: list[cs.Decomposition]) -> list[np.ndarray]:
    return [array for found in predicted for array in (found.labels, found.internal, *found.masks)]
