"""What the contract tests take from labels; see `embedding.py` beside it."""

from __future__ import annotations

import numpy as np

import coverslip as cs
from coverslip.read import LabelFolder


def as_predicted(opened: LabelFolder) -> list[cs.LabelMap]:
    return [opened.labels(i) for i in range(len(opened))]


def column(opened: LabelFolder, name: str) -> list[str]:
    return [row[name] for row in opened.rows]


def arrays(predicted: list[cs.LabelMap]) -> list[np.ndarray]:
    return [found.labels for found in predicted]
