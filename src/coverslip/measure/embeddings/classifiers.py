"""The classifiers that read a representation: each has one setting, and is trained with all of its values in turn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1)
"""Inverse regularisation strengths C that the linear probe chooses from."""

NEIGHBOURS = (1, 3, 5, 10, 20, 50)
"""Numbers of neighbours that the k-NN probe chooses from."""

_MAX_ITERATIONS = 20_000


class Classifier(Protocol):
    """A kind of classifier with one setting, `settings` in order from the simplest."""

    settings: Sequence[float]

    def prepare(self, x: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scale training and tested features by what the training features are like."""

    def path(self, x: np.ndarray, y: np.ndarray, tests: np.ndarray) -> Iterator[np.ndarray]:
        """Train on `x` and codes `y` with each setting in turn; yield the predicted codes of `tests`."""


class Linear:
    settings: Sequence[float] = STRENGTHS

    def __init__(self, balanced: bool) -> None:
        self.class_weight = "balanced" if balanced else None

    def prepare(self, x: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, tests = _standardise(x, tests)
        return _rotate(x, tests) if x.shape[1] > len(x) else (x, tests)

    def path(self, x: np.ndarray, y: np.ndarray, tests: np.ndarray) -> Iterator[np.ndarray]:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(class_weight=self.class_weight, max_iter=_MAX_ITERATIONS, warm_start=True)
        for strength in self.settings:
            with warnings.catch_warnings():
                # Many classes of few samples are what they are: `encode` has refused measurements before.
                warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
                model.set_params(C=strength).fit(x, y)
            yield model.predict(tests)


class Neighbours:
    def __init__(self, settings: Sequence[int], metric: str, standardise: bool, balanced: bool) -> None:
        self.settings: Sequence[float] = settings
        self.metric, self.standardise, self.balanced = metric, standardise, balanced

    def prepare(self, x: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _standardise(x, tests) if self.standardise else (x, tests)

    def path(self, x: np.ndarray, y: np.ndarray, tests: np.ndarray) -> Iterator[np.ndarray]:
        from sklearn.neighbors import NearestNeighbors

        most = min(int(max(self.settings)), len(x))
        search = NearestNeighbors(n_neighbors=most, metric=self.metric).fit(x)
        nearest = y[search.kneighbors(tests, return_distance=False)]
        sizes = np.bincount(y)
        vote = 1 / np.maximum(sizes, 1) if self.balanced else np.ones(len(sizes))
        # A hair more for the nearer neighbour decides ties and nothing else.
        weights = vote[nearest] * (1 + 1e-9 / np.arange(1, most + 1))
        votes = np.zeros((len(tests), len(sizes)))
        rows, counted = np.arange(len(tests)), 0
        for k in self.settings:
            for rank in range(counted, min(int(k), most)):
                votes[rows, nearest[:, rank]] += weights[:, rank]
            counted = max(counted, min(int(k), most))
            yield votes.argmax(axis=1)


def _standardise(x: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale <= 1e-12 * np.abs(centre)] = np.inf  # a constant feature says nothing: it becomes 0
    return (x - centre) / scale, (tests - centre) / scale


def _rotate(x: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in the span of the training samples, where there are more features than samples.

    An exact shortcut for a linear read-out with an L2 penalty, whose weights lie in that span.
    """
    squares, axes = np.linalg.eigh(x @ x.T)
    if squares[-1] <= 0:  # no feature varies
        return x[:, :1], tests[:, :1]
    used = squares > 1e-10 * squares[-1]
    lengths = np.sqrt(squares[used])
    return axes[:, used] * lengths, tests @ (x.T @ (axes[:, used] / lengths))
