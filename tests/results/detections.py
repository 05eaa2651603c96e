"""What the contract tests take from detections; see `embedding.py` beside it."""

from __future__ import annotations

import numpy as np

from coverslip.core import Detections
from coverslip.results.detections.folder import DetectionFolder


def as_predicted(opened: DetectionFolder) -> list[Detections]:
    return opened.found


def column(opened: DetectionFolder, name: str) -> list[str]:
    return [row[name] for row in opened.rows]


def arrays(predicted: list[Detections]) -> list[np.ndarray]:
    return [array for found in predicted for array in (found.boxes, found.codes, found.score)]
