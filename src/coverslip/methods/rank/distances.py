"""Distances between vectors; all of them grow with unlikeness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BINARY = ("jaccard", "hamming")
"""Distances of what lies above a threshold."""


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors ``(..., D)`` of length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def centre(vectors: np.ndarray, distance: str) -> np.ndarray:
    """The centre of a class, ``(N, D)`` to ``(D,)``: its mean; for the cosine the mean of unit vectors, of length 1.

    That is where K-means with one cluster ends, by either distance.
    """
    return unit(unit(vectors).mean(axis=0)) if distance == "cosine" else vectors.mean(axis=0)


def distance(name: str, a: np.ndarray, b: np.ndarray, threshold: np.ndarray | None = None) -> np.ndarray:
    """The distance of each vector.

    Parameters
    ----------
    name : str
        A key of `DISTANCES`.
    a : ndarray, shape (N, D)
    b : ndarray, shape (N, D) or (D,)
    threshold : ndarray, shape (D,), optional
        Above it a number counts as set, for ``"jaccard"`` and ``"hamming"``; default: 0.

    Returns
    -------
    ndarray, shape (N,)
    """
    b = np.broadcast_to(b, a.shape)
    if name in BINARY:
        cut: Any = 0 if threshold is None else threshold
        return DISTANCES[name](a > cut, b > cut)
    return DISTANCES[name](a, b)


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(1 - (unit(a) * unit(b)).sum(-1))


def _euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(a - b, axis=-1))


def _mse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(((a - b) ** 2).mean(-1))


def _l1(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(a - b).sum(-1))


def _pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _cosine(a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(-(a * b).sum(-1))


def _jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    either = (a | b).sum(-1)
    return np.asarray(1 - np.where(either > 0, (a & b).sum(-1) / np.maximum(either, 1), 1))


def _hamming(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((a != b).mean(-1))


DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cosine": _cosine,
    "euclidean": _euclidean,
    "mse": _mse,
    "l1": _l1,
    "pearson": _pearson,
    "dot": _dot,
    "jaccard": _jaccard,
    "hamming": _hamming,
}
"""Name to function of two arrays ``(N, D)``; ``dot`` is negative, so that it grows with unlikeness, too."""
