"""Disentanglement: whether single latent dimensions carry single known factors.

`mig` asks with information, `dci` with predictions. Both are near 1 where each factor lies along one axis of the latent
space, and low where factors are mixed, however well they can be read out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from coverslip.core import InputError, track
from coverslip.core.words import number_of
from coverslip.measure.embeddings.folds import encode_groups, stratified
from coverslip.measure.inputs import as_features, check_length, encode

Factors = Mapping[str, Any]
"""Known factors by name, one value per sample each: classes of any kind, or measurements."""

Binning = Literal["width", "quantile"]

BINS = 20
_LEAVES = (1, 5, 20)
_TREES = 50


@dataclass(frozen=True)
class MIG:
    """Mutual information gap.

    Parameters
    ----------
    score : float
        Mean of the gaps, from 0 to 1; higher is better.
    gaps : dict of str to float
        Gap of each factor, from 0 to 1.
    information : ndarray of float, shape (D, F)
        Information of each dimension about each factor as a share of the factor's entropy, from 0 to 1.
    """

    score: float
    gaps: dict[str, float]
    information: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class DCI:
    """Disentanglement, completeness and informativeness.

    Parameters
    ----------
    disentanglement : float
        Whether each dimension matters for one factor only, weighted by how much it matters; 0 to 1, higher is better.
        NaN with a single factor.
    completeness : float
        Whether each factor needs one dimension only, mean over factors; 0 to 1, higher is better. NaN with a single
        dimension.
    informativeness : dict of str to float
        How well each factor is predicted for held-out samples: balanced accuracy of classes (1 / K by chance), R² of a
        measurement (0 by chance). At most 1, higher is better; the paper reports the error instead.
    importance : ndarray of float, shape (D, F)
        Importance of each dimension for each factor; sums to 1 over the dimensions.
    predictions : dict of str to ndarray, shape (N,)
        The held-out predictions of each factor.
    measured : dict of str to bool
        Which factors are measurements, not classes.
    """

    disentanglement: float
    completeness: float
    informativeness: dict[str, float]
    importance: np.ndarray = field(repr=False)
    predictions: dict[str, np.ndarray] = field(repr=False)
    measured: dict[str, bool] = field(repr=False)


def mig(codes: Any, factors: Factors, *, bins: int = BINS, binning: Binning = "width") -> MIG:
    r"""Mutual information gap: how much more the best dimension knows of a factor than the second best.

    .. math:: \frac{1}{F} \sum_f \frac{I(z_{(1)}; v_f) - I(z_{(2)}; v_f)}{H(v_f)}

    Parameters
    ----------
    codes : array, shape (N, D)
        Latent vectors (posterior means). With D = 1 the second best knows nothing.
    factors : mapping of str to array, shape (N,)
        Known factors. Text, integers, and numbers of at most `bins` different values are classes; other numbers are
        binned like the codes.
    bins : int
        Bins of each dimension. One of at most so many different values keeps these instead.
    binning : {"width", "quantile"}
        Bins of equal width between the extremes, as is usual, or of equal size, which outliers cannot squeeze.

    Returns
    -------
    MIG
        Information is estimated from counts, which flatters few samples, by about (bins - 1)(classes - 1) / 2N nats for
        each dimension: compare at equal N, with many samples per bin.

    Raises
    ------
    InputError
        If a factor does not vary or has another length.

    References
    ----------
    Chen, Li, Grosse, Duvenaud: Isolating sources of disentanglement in variational autoencoders, NeurIPS 2018,
    equation 6; codes are binned as by Locatello et al., ICML 2019.
    """
    binned, classes = discretise(codes, factors, bins=bins, binning=binning)
    information = np.stack([_information(binned, column) for column in classes.T], axis=1)
    gaps = _gaps(information)
    return MIG(float(gaps.mean()), dict(zip(factors, gaps.tolist(), strict=True)), information)


def mean_gap(binned: np.ndarray, classes: np.ndarray) -> float:
    """Mutual information gap of what `discretise` gives, as a statistic to resample."""
    varying = [column for column in classes.T if column.min() < column.max()]
    return float(_gaps(np.stack([_information(binned, c) for c in varying], axis=1)).mean()) if varying else np.nan


def discretise(codes: Any, factors: Factors, *, bins: int, binning: Binning) -> tuple[np.ndarray, np.ndarray]:
    """Codes ``(N, D)`` and factors ``(N, F)`` as small integers, as `mig` counts them."""
    if bins < 2 or binning not in ("width", "quantile"):
        raise InputError(f"MIG needs at least 2 bins of equal 'width' or 'quantile', not {bins} of '{binning}'.")
    x = as_features(codes, "codes")
    named = _read(factors, len(x), bins)
    columns = [_bin(v, bins, binning) if v.dtype.kind == "f" else v for v in named.values()]
    return np.stack([_bin(column, bins, binning) for column in x.T], axis=1), np.stack(columns, axis=1)


def dci(codes: Any, factors: Factors, *, groups: Any = None, folds: int = 4, bins: int = BINS, seed: int = 0) -> DCI:
    r"""Disentanglement, completeness and informativeness, from the importances of a random forest per factor.

    With the importance :math:`R_{df}` of dimension d for factor f, :math:`P_{df} = R_{df} / \sum_f R_{df}` and
    :math:`\tilde P_{df} = R_{df} / \sum_d R_{df}`: dimension d scores :math:`1 - H_F(P_d)`, weighted by its share of
    all importance, and factor f scores :math:`1 - H_D(\tilde P_f)`; entropies to the base of the number of entries.

    Parameters
    ----------
    codes : array, shape (N, D)
        Latent vectors (posterior means).
    factors : mapping of str to array, shape (N,)
        Known factors: classes and measurements, told apart as by `mig`.
    groups : array, shape (N,), optional
        Held out whole.
    folds : int
        Forests are trained on all folds but one, and score on that one; importances are averaged over folds.
    bins : int
        Numbers of at most so many different values are classes.
    seed : int
        The same seed gives the same result.

    Returns
    -------
    DCI

    Raises
    ------
    InputError
        If a factor does not vary, has another length, or has a class with fewer samples (or groups) than folds.

    Notes
    -----
    Of the paper's two predictors this is the one that sees factors bent along an axis, which lasso calls
    uninformative. Every split may use every dimension: choosing among a random part of them would spread importance
    over dimensions that carry nothing. The size of the leaves is chosen on out-of-bag samples of the training folds, as
    the paper chooses the depth.

    References
    ----------
    Eastwood, Williams: A framework for the quantitative evaluation of disentangled representations, ICLR 2018.
    """
    x = as_features(codes, "codes")
    named = _read(factors, len(x), bins)
    group_codes = None if groups is None else encode_groups(groups, len(x))
    importance = np.zeros((x.shape[1], len(named)))
    scores, predictions = {}, {}
    for f, (name, y) in enumerate(track(named.items(), "Predicting factors", len(named))):
        importance[:, f], found, scores[name] = _forest(x, y, group_codes, folds, seed, name)
        of_class = y.dtype.kind != "f"
        predictions[name] = encode(factors[name]).classes[found] if of_class else found
    shares = importance.sum(axis=1) / max(importance.sum(), np.finfo(float).tiny)
    return DCI(
        disentanglement=float(shares @ _concentration(importance)),
        completeness=float(_concentration(importance.T).mean()),
        informativeness=scores,
        importance=importance,
        predictions=predictions,
        measured={name: y.dtype.kind == "f" for name, y in named.items()},
    )


def _read(factors: Factors, length: int, most: int) -> dict[str, np.ndarray]:
    """Factors as class codes (integers) or measurements (float64)."""
    if not factors:
        raise InputError("Disentanglement needs at least one known factor.")
    read = {}
    for name, given in factors.items():
        values = check_length(given, length, f"values of the factor '{name}'")
        if values.dtype.kind == "f" and len(np.unique(values)) > most:
            read[name] = as_features(values, f"values of the factor '{name}'")[:, 0]
            continue
        labels = encode(values, f"values of the factor '{name}'")
        if len(labels.classes) < 2:
            raise InputError(f"The factor '{name}' is '{labels.names[0]}' for every sample; leave it out.")
        read[name] = labels.codes
    return read


def _bin(values: np.ndarray, bins: int, binning: Binning) -> np.ndarray:
    different, codes = np.unique(values, return_inverse=True)
    if len(different) <= bins:
        return codes
    if binning == "width":
        edges = np.linspace(different[0], different[-1], bins + 1)[1:-1]
    else:
        edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values, side="right")


def _information(binned: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Mutual information of each column of codes with the classes over the entropy of the classes, ``(D,)``."""
    from scipy.special import entr

    n, dimensions = binned.shape
    rows, columns = int(binned.max()) + 1, int(classes.max()) + 1
    cells = (np.arange(dimensions) * rows + binned) * columns + classes[:, None]
    joint = np.bincount(cells.ravel(), minlength=dimensions * rows * columns).reshape(dimensions, rows, columns) / n
    of_classes = entr(joint[0].sum(axis=0)).sum()
    shared = entr(joint.sum(axis=2)).sum(axis=1) + of_classes - entr(joint).sum(axis=(1, 2))
    return np.clip(shared / of_classes, 0, 1)


def _gaps(information: np.ndarray) -> np.ndarray:
    ranked = np.sort(information, axis=0)[::-1]
    return ranked[0] - (ranked[1] if len(ranked) > 1 else 0)


def _concentration(importance: np.ndarray) -> np.ndarray:
    """1 minus the entropy of each row's shares, to the base of their number; NaN where there is only one."""
    from scipy.special import entr

    rows, columns = importance.shape
    if columns == 1:
        return np.full(rows, np.nan)
    # Where nothing matters nothing is concentrated: equal shares, a score of 0.
    total = importance.sum(axis=1, keepdims=True)
    shares = np.divide(importance, total, out=np.full_like(importance, 1 / columns), where=total > 0)
    return 1 - entr(shares).sum(axis=1) / np.log(columns)


def _forest(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray | None, folds: int, seed: int, name: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Importances ``(D,)``, held-out predictions ``(N,)`` and their score."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    from coverslip.measure.scores import balanced_accuracy, r_squared

    settings: dict[str, Any] = {"n_estimators": _TREES, "max_features": None, "oob_score": True, "random_state": seed}
    if y.dtype.kind == "f":
        kind, score, strata = RandomForestRegressor, r_squared, _bin(y, folds, "quantile")
    else:
        kind, score, strata = RandomForestClassifier, balanced_accuracy, y
        settings["class_weight"] = "balanced"
        small = np.bincount(y).min()
        if small < folds:
            raise InputError(
                f"The factor '{name}' has a class of only {number_of(small, 'sample')}, fewer than the {folds} folds; "
                "leave the class out or use fewer folds."
            )
    importance, predicted = np.zeros(x.shape[1]), np.empty_like(y)
    for train, test in stratified(strata, groups, folds, seed):
        forests = (kind(min_samples_leaf=leaf, **settings).fit(x[train], y[train]) for leaf in _LEAVES)
        best = max(forests, key=lambda forest: forest.oob_score_)
        importance += best.feature_importances_ / folds
        predicted[test] = best.predict(x[test])
    return importance, predicted, score(y, predicted)
