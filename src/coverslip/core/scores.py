"""The value of a classifier: how likely each image is of each class, and when it had better say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from coverslip.core.errors import InputError

ERROR_RATE = 0.1
"""How often a prediction set may miss the true class, where nobody says."""


@dataclass(frozen=True)
class ClassScores:
    """One row per image: the probability of each class, and which classes cannot be ruled out.

    Parameters
    ----------
    classes : tuple of str
        Names of the K classes; where they are ordered, from low to high.
    probability : ndarray of float32, shape (N, K)
        Calibrated where the model could be; each row sums to 1.
    obs : mapping of str to ndarray, shape (N,)
        Every column of the samples.
    plausibility : ndarray of float32, shape (N, K), or None
        Conformal p-values, each class compared with images of that class alone: if an image is of class k, the chance
        that ``plausibility[:, k]`` is at most e is at most e, whatever the model. None where nothing was held out to
        compare with.
    error_rate : float
        Classes whose plausibility is above it form the prediction set.
    ordered : bool
        Whether the order of the classes means something.
    provenance : mapping
        Inputs with hashes, model, seed, versions.
    """

    classes: tuple[str, ...]
    probability: np.ndarray = field(repr=False)
    obs: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    plausibility: np.ndarray | None = field(default=None, repr=False)
    error_rate: float = ERROR_RATE
    ordered: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.probability), len(self.classes))
        if len(set(self.classes)) < len(self.classes) or len(self.classes) < 2:
            raise InputError(f"Scores are of two different classes or more, not {', '.join(self.classes) or 'none'}.")
        for name in ("probability", "plausibility"):
            values = getattr(self, name)
            if values is not None and (values.shape != shape or not np.isfinite(values).all()):
                raise InputError(f"The {name} must be finite numbers {shape}, one per image and class.")
        if not 0 < self.error_rate < 1:
            raise InputError(f"An error rate lies between 0 and 1, such as 0.1, not {self.error_rate:g}.")
        for name, column in self.obs.items():
            if len(column) != len(self.probability):
                raise InputError(f"The column '{name}' has {len(column)} rows for {len(self.probability)} images.")

    def __len__(self) -> int:
        return len(self.probability)

    @property
    def codes(self) -> np.ndarray:
        """The most likely class of each image as a place in `classes`, ``(N,)``."""
        return self.probability.argmax(axis=1)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The name of the most likely class of each image, ``(N,)``."""
        return np.array(self.classes, dtype=object)[self.codes]

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the most likely class, ``(N,)``."""
        return self.probability.max(axis=1)

    @property
    def sets(self) -> np.ndarray | None:
        """Which classes cannot be ruled out at the error rate, ``(N, K)`` bool; None without plausibilities."""
        return None if self.plausibility is None else self.plausibility > self.error_rate

    @property
    def abstained(self) -> np.ndarray:
        """Where no single class is left, none or several, so that the answer is better left to a person; ``(N,)``."""
        sets = self.sets
        return np.zeros(len(self), bool) if sets is None else sets.sum(axis=1) != 1

    def set_names(self) -> np.ndarray:
        """The prediction set of each image in words, ``a | b``; empty where every class is ruled out."""
        sets = np.eye(len(self.classes), dtype=bool)[self.codes] if self.sets is None else self.sets
        return np.array([" | ".join(np.array(self.classes)[row]) for row in sets], dtype=object)

    def take(self, rows: Sequence[int] | np.ndarray) -> ClassScores:
        """Some of the images, in a given order."""
        at = np.asarray(rows, dtype=np.intp)
        return ClassScores(
            self.classes,
            self.probability[at],
            {name: column[at] for name, column in self.obs.items()},
            None if self.plausibility is None else self.plausibility[at],
            self.error_rate,
            self.ordered,
            self.provenance,
        )
