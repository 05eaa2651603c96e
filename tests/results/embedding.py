"""What the contract tests take from embeddings."""

from __future__ import annotations

import numpy as np

import coverslip as cs


def as_predicted(opened: cs.Embedding) -> cs.Embedding:
    """An opened result as `coverslip.predict` gives it."""
    return opened


def column(opened: cs.Embedding, name: str) -> list[str]:
    """A column of the sheet, as an opened result keeps it."""
    return [str(value) for value in opened.column(name)]


def arrays(predicted: cs.Embedding) -> list[np.ndarray]:
    """All that was predicted, as arrays to compare."""
    return [predicted.latent]
