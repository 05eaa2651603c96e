"""Every labelled image calibrates: each is judged by a head that was fitted to the parts it is not in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from coverslip.measure.embeddings.folds import stratified
from coverslip.methods.classify.calibration import oddness, softmax

FOLD, WEIGHT, BIAS = "calibration.fold", "cross.weight", "cross.bias"
KNOWN, KNOWN_CODES = "cross.known", "cross.codes"
ARRAYS = (FOLD, WEIGHT, BIAS, KNOWN, KNOWN_CODES)
"""Arrays beside the network's own weights: the part of each calibrating image, and what the heads are made of."""

_LEAST = 2
"""Members of the smallest class that parts take."""

_TIES = 0.005
"""Equal votes are told apart by the nearest image of the class; less than a vote of any, as sets would be too large."""

Head = Callable[[np.ndarray], np.ndarray]
"""From features ``(N, F)`` to logits ``(N, K)``."""


def parts_of(codes: np.ndarray, groups: np.ndarray | None, parts: int, seed: int) -> np.ndarray | None:
    """The part of each labelled image, stratified, whole groups together.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Classes.
    groups : ndarray of int, shape (N,), optional
        Never divided.
    parts : int
        How many; fewer where a class has fewer images (or groups).
    seed : int
        Decides them.

    Returns
    -------
    ndarray of int, shape (N,), or None
        None where a class would be missing from what some head is fitted to.
    """
    each = [len(np.unique(np.flatnonzero(codes == k) if groups is None else groups[codes == k])) for k in set(codes)]
    number = min(parts, *each)
    if number < _LEAST:
        return None
    fold = np.full(len(codes), -1)
    for place, (_, held) in enumerate(stratified(codes, groups, number, seed)):
        fold[held] = place
    whole = all(len(set(codes[fold != place])) == len(set(codes)) for place in set(fold.tolist()))
    return fold if whole and fold.min() >= 0 else None


def out_of_part(features: np.ndarray, fold: np.ndarray, heads: list[Head]) -> np.ndarray:
    """Logits ``(N, K)`` of calibrating images, each by the head that was fitted without its part."""
    found = [heads[place](features[fold == place]) for place in range(len(heads))]
    out = np.empty((len(features), found[0].shape[1]))
    for place, logits in enumerate(found):
        out[fold == place] = logits
    return out


def linear_heads(weights: Mapping[str, np.ndarray]) -> list[Head]:
    """The linear heads of a model."""
    pairs = zip(weights[WEIGHT], weights[BIAS], strict=True)
    return [lambda h, w=weight, b=bias: h @ w.T + b for weight, bias in pairs]  # type: ignore[misc]


def nearest_heads(weights: Mapping[str, np.ndarray], nearest: int, classes: int) -> list[Head]:
    """The neighbours of a model, for each part without those in it; images with equal votes come in an order, too."""
    known, codes, fold = weights[KNOWN], weights[KNOWN_CODES], weights[FOLD]

    def head(place: int) -> Head:
        there, own = known[fold != place], codes[fold != place]
        count = min(nearest, len(there))

        def logits(h: np.ndarray) -> np.ndarray:
            near = (h / np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12)) @ there.T
            found = np.argpartition(-near, count - 1, axis=1)[:, :count]
            votes = (own[found][..., None] == np.arange(classes)).sum(axis=1)
            nearest_of = np.stack([near[:, own == k].max(axis=1, initial=-1) for k in range(classes)], axis=1)
            return np.asarray(np.log((votes + 1 / classes) / (count + 1)) + _TIES * nearest_of.astype(np.float64))

        return logits

    return [head(place) for place in range(int(fold.max()) + 1)]


def cross_plausibility(
    odd: np.ndarray, codes: np.ndarray, fold: np.ndarray, logits: list[np.ndarray], temperature: float, least: int
) -> np.ndarray:
    """Cross-conformal p-values of each class, compared with all labelled images of that class.

    Each image that is asked about is judged by every head, and compared with the calibrating images that this head had
    not seen. By proof the true class is missed in at most twice the error rate; in practice in about the error rate.

    Parameters
    ----------
    odd : ndarray, shape (M,)
        How odd each calibrating image looked, as what it is, to the head fitted without it.
    codes, fold : ndarray of int, shape (M,)
        Their classes and parts.
    logits : list of ndarray, shape (N, K)
        Of the images that are asked about, by each head.
    temperature : float
        All logits are divided by it.
    least : int
        Images that a class needs to be compared with its own; else it is compared with all.

    Returns
    -------
    ndarray of float32, shape (N, K)
        ``(1 + how many calibrating images of the class are at least as odd) / (1 + how many there are)``.

    References
    ----------
    Vovk: Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74 (2015); Romano, Sesia and
    Candès: Classification with valid and adaptive coverage, NeurIPS 2020 (CV+).
    """
    asked = [oddness(softmax(z / temperature)) for z in logits]
    count_of_images, classes = asked[0].shape
    found = np.ones((count_of_images, classes))
    counts = np.bincount(codes, minlength=classes)
    for k, count in enumerate(counts):
        of_class = codes == k if count >= least else np.ones(len(codes), bool)
        for place, values in enumerate(asked):
            held = np.sort(odd[of_class & (fold == place)])
            found[:, k] += len(held) - np.searchsorted(held, values[:, k], side="left")
        found[:, k] /= 1 + of_class.sum()
    return found.astype(np.float32)
