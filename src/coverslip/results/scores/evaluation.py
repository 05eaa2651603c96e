"""Scores against the true classes, beside always naming the most frequent one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Measured, about
from coverslip.measure import evaluate_classes
from coverslip.models.origins import warnings_about
from coverslip.results.scores.file import read_scores
from coverslip.results.scores.options import Evaluate
from coverslip.results.scores.truth import Judged, judged


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure scores; see `coverslip.evaluate`."""
    named = result if isinstance(result, str | Path) else None
    with about(named):
        return measured(judged(result if named is None else read_scores(named), truth, options, options.group), seed)


def measured(known: Judged, seed: int) -> Measured:
    """The table of all measures, and what the reader should know beside them."""
    counts = np.bincount(known.found.codes, minlength=len(known.scores.classes))
    largest = int(counts.argmax())
    share = counts[largest] / counts.sum()
    notes = [
        *known.notes,
        f"Always naming '{known.scores.classes[largest]}' would be right in {share:.1%}, with a balanced accuracy of "
        f"{1 / (counts > 0).sum():.3f}.",
    ]
    if known.scores.sets is not None:
        notes.append(f"Prediction sets are those of an error rate of {known.scores.error_rate:g} in each class.")
        notes += [text for text in warnings_about(known.scores) if "prediction sets" in text]
    return Measured(evaluate_classes(known.found, seed=seed), tuple(notes))
