"""Probes: how well simple classifiers read the classes from a representation that was learned without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from coverslip.core import InputError, track
from coverslip.measure.embeddings.classifiers import NEIGHBOURS, Classifier, Linear, Neighbours
from coverslip.measure.embeddings.folds import encode_groups, plan, stratified
from coverslip.measure.inputs import Labels, as_features, check_length, encode
from coverslip.measure.intervals import Interval, bootstrap
from coverslip.measure.scores import class_mean, mean
from coverslip.measure.threads import few_threads

_INNER_FOLDS = 3


@dataclass(frozen=True)
class ProbeResult:
    """What a probe found on samples it was not trained on.

    Parameters
    ----------
    balanced_accuracy, accuracy : Interval
        From 0 to 1. The intervals resample the tested samples (or groups); they do not retrain the probe.
    recall : dict of str to float
        Share of the tested samples of each class that is recognised; NaN for a class that was not tested.
    confusion : ndarray of float, shape (K, K)
        Tested samples of each class (rows) by predicted class (columns), averaged over repeats.
    classes : ndarray, shape (K,)
        The labels, in the order of `confusion`.
    tested : ndarray of int, shape (T,)
        Which samples were tested: all in cross-validation.
    predictions : ndarray, shape (repeats, T)
        Predicted label of each tested sample.
    hits : ndarray of float, shape (T,)
        Share of the repeats in which each tested sample was recognised.
    chosen : list of float
        The setting chosen within each training fold: C, or the number of neighbours.
    protocol : str
        How it was tested, in words, with what had to be reduced and why.
    """

    balanced_accuracy: Interval
    accuracy: Interval
    recall: dict[str, float]
    confusion: np.ndarray = field(repr=False)
    classes: np.ndarray = field(repr=False)
    tested: np.ndarray = field(repr=False)
    predictions: np.ndarray = field(repr=False)
    hits: np.ndarray = field(repr=False)
    chosen: list[float]
    protocol: str


def linear_probe(
    features: Any,
    labels: Any,
    *,
    groups: Any = None,
    split: Any = None,
    folds: int = 5,
    repeats: int = 1,
    balanced: bool = True,
    seed: int = 0,
    level: float = 0.95,
) -> ProbeResult:
    """Multinomial logistic regression on standardised features: what a linear read-out can tell from them.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample; images ``(N, C, H, W)`` are flattened. Rescaling a feature changes nothing.
    labels : array, shape (N,)
        Class of each sample, of any kind.
    groups : array, shape (N,), optional
        Image, well or patient of each sample: no group is in training and test both.
    split : array, shape (N,), optional
        ``"train"`` and ``"test"`` (or ``"validation"``), or true for training: trained and tested once on these.
    folds, repeats : int
        Cross-validation, where there is no `split`. Fewer folds are used where a class has fewer samples (or groups);
        the result says so.
    balanced : bool
        Weigh the classes equally in training and in choosing the regularisation.
    seed : int
        For the folds and the intervals.
    level : float
        Coverage of the intervals.

    Returns
    -------
    ProbeResult
        From out-of-fold predictions. Features are standardised, and the regularisation chosen from `STRENGTHS` by an
        inner cross-validation, within each training fold alone. Wide features take time: raw pixels of 1,700 cells of
        4,800 values, about two minutes on one core.

    Raises
    ------
    InputError
        If there are fewer than 2 classes, a class has one sample (or group), or the features are not finite.

    References
    ----------
    Alain, Bengio: Understanding intermediate layers using linear classifier probes, arXiv:1610.01644 (2016).
    """
    with few_threads(0):  # thousands of short products: waiting for one another costs threads more than they gain
        return _probe(features, labels, Linear(balanced), groups, split, folds, repeats, balanced, seed, level)


def knn_probe(
    features: Any,
    labels: Any,
    *,
    k: int | Sequence[int] = NEIGHBOURS,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    standardise: bool = False,
    groups: Any = None,
    split: Any = None,
    folds: int = 5,
    repeats: int = 1,
    balanced: bool = True,
    seed: int = 0,
    level: float = 0.95,
) -> ProbeResult:
    """Vote of the nearest neighbours: what the distances in a representation can tell.

    Parameters
    ----------
    k : int or sequence of int
        Number of neighbours; from several it is chosen by an inner cross-validation within each training fold.
    metric : {"euclidean", "cosine"}
        Distance.
    standardise : bool
        Bring features to unit variance first, for measurements in different units. Off by default: in a learned
        representation the size of a direction means something, and the noise of unused dimensions would be blown up.
    balanced : bool
        Weigh each vote by the rarity of its class in training.
    features, labels, groups, split, folds, repeats, seed, level
        As for `linear_probe`.

    Returns
    -------
    ProbeResult
        From out-of-fold predictions. Of classes with equal votes, that of the nearest neighbour is taken.
    """
    choices = sorted({k} if isinstance(k, int | np.integer) else set(k))
    if not choices or choices[0] < 1:
        raise InputError(f"The number of neighbours must be at least 1, not {k}.")
    if metric not in ("euclidean", "cosine"):
        raise InputError(f"The metric of the k-NN probe can be 'euclidean' or 'cosine', not '{metric}'.")
    kind = Neighbours(choices, metric, standardise, balanced)
    return _probe(features, labels, kind, groups, split, folds, repeats, balanced, seed, level)


def _probe(
    features: Any,
    labels: Any,
    kind: Classifier,
    groups: Any,
    split: Any,
    folds: int,
    repeats: int,
    balanced: bool,
    seed: int,
    level: float,
) -> ProbeResult:
    x, named = as_features(features), encode(labels)
    check_length(named.codes, len(x), "labels")
    protocol = plan(named, groups=groups, split=split, folds=folds, repeats=repeats, seed=seed)
    group_codes = None if groups is None else encode_groups(groups, len(x))
    predicted = np.full((len(protocol.repeats), len(x)), -1, dtype=np.intp)
    chosen = []
    jobs = [(repeat, *fold) for repeat, folds_ in enumerate(protocol.repeats) for fold in folds_]
    with few_threads(x.size):
        for repeat, train, test in track(jobs, "Probing"):
            inside = None if group_codes is None else group_codes[train]
            codes, setting = _fit_one(x[train], named.codes[train], x[test], kind, inside, balanced, seed)
            predicted[repeat, test] = codes
            chosen.append(setting)
    tested = protocol.tested
    return _result(named, predicted[:, tested], tested, chosen, protocol.description, groups, seed, level)


def _fit_one(
    x: np.ndarray,
    y: np.ndarray,
    tests: np.ndarray,
    kind: Classifier,
    groups: np.ndarray | None,
    balanced: bool,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Predicted codes of `tests`, and the setting chosen on the training samples."""
    classes, y = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            "Holding out whole groups leaves a training fold with a single class; use fewer folds, or measure the "
            "classes in more groups."
        )
    x, tests = kind.prepare(x, tests)
    best = _choose(x, y, kind, groups, balanced, seed)
    until_best = kind.settings[: list(kind.settings).index(best) + 1]
    *_, (_, codes) = zip(until_best, kind.path(x, y, tests), strict=False)
    return classes[codes], best


def _choose(
    x: np.ndarray, y: np.ndarray, kind: Classifier, groups: np.ndarray | None, balanced: bool, seed: int
) -> float:
    """The setting whose predictions over inner folds are best; of equals, the first."""
    settings = kind.settings
    inner = min(_INNER_FOLDS, int(np.bincount(y).max()), len(y) if groups is None else len(np.unique(groups)))
    if len(settings) == 1 or inner < 2:
        return settings[len(settings) // 2]
    paths, tested = [], []
    for train, test in stratified(y, groups, inner, seed):
        if len(np.unique(y[train])) > 1 and len(test):
            paths.append(kind.path(x[train], y[train], x[test]))
            tested.append(y[test])
    if not paths:
        return settings[len(settings) // 2]
    truth = np.concatenate(tested)
    best, best_score = settings[0], -1.0
    for setting, *predictions in zip(settings, *paths, strict=True):
        hits = (np.concatenate(predictions) == truth).astype(np.float64)
        score = class_mean(hits, truth) if balanced else mean(hits)
        if score > best_score:
            best, best_score = setting, score
        if best_score == 1:  # nothing can be better
            break
    return best


def _result(
    labels: Labels,
    predicted: np.ndarray,
    tested: np.ndarray,
    chosen: list[float],
    protocol: str,
    groups: Any,
    seed: int,
    level: float,
) -> ProbeResult:
    truth = labels.codes[tested]
    k = len(labels.classes)
    confusion = np.bincount((truth * k + predicted).ravel(), minlength=k * k).reshape(k, k) / len(predicted)
    sizes = confusion.sum(axis=1)
    recall = np.where(sizes > 0, confusion.diagonal() / np.maximum(sizes, 1), np.nan)
    hits = (predicted == truth).mean(axis=0)
    resampled = None if groups is None else np.asarray(groups)[tested]
    return ProbeResult(
        balanced_accuracy=bootstrap(class_mean, hits, truth, groups=resampled, seed=seed, level=level),
        accuracy=bootstrap(mean, hits, groups=resampled, seed=seed, level=level),
        recall=dict(zip(labels.names, recall.tolist(), strict=True)),
        confusion=confusion,
        classes=labels.classes,
        tested=tested,
        predictions=labels.classes[predicted],
        hits=hits,
        chosen=chosen,
        protocol=protocol,
    )
