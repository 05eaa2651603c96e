"""How well scores put images of a class before the others: ROC curves and the area under them."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.measure.intervals import Additive, Sums


def _area(positive: np.ndarray, negative: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Area under the ROC curve from weights ``(B, N)`` in descending order of the score; `ends` close runs of ties."""
    hits = np.cumsum(positive, axis=-1)[..., ends]
    alarms = np.cumsum(negative, axis=-1)[..., ends]
    before = np.concatenate([np.zeros_like(hits[..., :1]), hits[..., :-1]], axis=-1)
    steps = np.diff(alarms, axis=-1, prepend=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (steps * (hits + before) / 2).sum(axis=-1) / (hits[..., -1] * alarms[..., -1])


def _summarised(truth: Any, score: Any) -> Sums:
    from scipy.sparse import eye_array

    order, ends = _descending(np.asarray(score))
    positive = np.asarray(truth, dtype=bool)[order]
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))

    def finish(counts: np.ndarray) -> np.ndarray:
        return _area(counts * positive, counts * ~positive, ends)

    return Sums(place, eye_array(len(order), format="csr"), finish)


auroc = Additive(_summarised)
"""Area under the ROC curve of ``(truth, score)``: whether each image is of the class ``(N,)`` bool, and its score
``(N,)``. The chance that an image of the class scores higher than another one, ties counted half; NaN without either.
"""


def roc_curve(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates ``(P,)`` at all thresholds, from (0, 0) to (1, 1).

    Parameters
    ----------
    truth : ndarray of bool, shape (N,)
        Whether an image is of the class.
    score : ndarray, shape (N,)
        Higher for the class.
    """
    order, ends = _descending(score)
    positive = np.asarray(truth, dtype=bool)[order]
    hits, alarms = np.cumsum(positive)[ends], np.cumsum(~positive)[ends]
    return np.r_[0, alarms / max(alarms[-1], 1)], np.r_[0, hits / max(hits[-1], 1)]


def _descending(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(order) - 1]
    return order, ends


def _all_classes(codes: Any, probability: Any) -> Sums:
    from scipy.sparse import eye_array

    codes, probability = np.asarray(codes), np.asarray(probability)
    ranked = [(*_descending(scores), codes == k) for k, scores in enumerate(probability.T)]

    def finish(counts: np.ndarray) -> np.ndarray:
        areas = np.stack(
            [_area(counts[:, o] * of[o], counts[:, o] * ~of[o], e) for o, e, of in ranked if of.any() and not of.all()]
        )
        there = ~np.isnan(areas)
        return np.where(there, areas, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)

    return Sums(np.arange(len(codes)), eye_array(len(codes), format="csr"), finish)


macro_auroc = Additive(_all_classes)
"""Mean over the classes of the area of each against all others, of ``(codes, probability)``, ``(N,)`` and ``(N, K)``;
classes that do not occur are left out."""


def _pooled(codes: Any, probability: Any) -> Sums:
    from scipy.sparse import eye_array

    probability = np.asarray(probability)
    n, k = probability.shape
    order, ends = _descending(probability.ravel())
    of_class, image = (np.asarray(codes)[:, None] == np.arange(k)).ravel()[order], order // k

    def finish(counts: np.ndarray) -> np.ndarray:
        drawn = counts[:, image]
        return _area(drawn * of_class, drawn * ~of_class, ends)

    return Sums(np.arange(n), eye_array(n, format="csr"), finish)


micro_auroc = Additive(_pooled)
"""Area over the scores of all images and classes together, of ``(codes, probability)``."""


def pooled_curve(codes: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ROC curve of all images and classes together, as `roc_curve` gives it."""
    return roc_curve((codes[:, None] == np.arange(probability.shape[1])).ravel(), probability.ravel())
