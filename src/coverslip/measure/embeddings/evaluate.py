"""All measures of an embedding as one table, beside simple baselines measured in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.measure.embeddings.agreement import (
    adjusted_rand_index,
    clustering_accuracy,
    normalised_mutual_information,
)
from coverslip.measure.embeddings.clusters import cluster
from coverslip.measure.embeddings.disentangle import BINS, dci, discretise, mean_gap
from coverslip.measure.embeddings.probe import ProbeResult, knn_probe, linear_probe
from coverslip.measure.embeddings.silhouettes import silhouette_samples
from coverslip.measure.inputs import as_features, check_length, encode
from coverslip.measure.intervals import Interval, Statistic, bootstrap
from coverslip.measure.scores import balanced_accuracy, class_mean, mean, r_squared

LATENT = "latent"
"""What the rows of the embedding itself are called, beside the names of the baselines."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    features : str
        What was measured: ``"latent"``, the name of a baseline, or ``"latent - name"`` for a difference.
    measure : str
        Name of the measure.
    value, low, high : float
        The number and its interval; NaN ends where there is none.
    n : int
        Number of samples behind it.
    note : str
        How it was measured.
    """

    features: str
    measure: str
    value: float
    low: float
    high: float
    n: int
    note: str = ""

    def __str__(self) -> str:
        return f"{self.features}: {self.measure} {Interval(self.value, self.low, self.high, self.n)}"


@dataclass(frozen=True)
class Evaluation:
    """A table of measures.

    Parameters
    ----------
    rows : tuple of Row
        In the order measured.
    """

    rows: tuple[Row, ...]

    def records(self) -> list[dict[str, Any]]:
        """One dictionary per row, ready for a data frame, CSV or JSON."""
        return [asdict(row) for row in self.rows]

    def get(self, measure: str, features: str = LATENT) -> Row:
        """The row of one measure.

        Raises
        ------
        InputError
            If there is none; the message lists those there are.
        """
        for row in self.rows:
            if row.measure == measure and row.features == features:
                return row
        known = ", ".join(f"{r.measure} of {r.features}" for r in self.rows)
        raise InputError(f"There is no '{measure}' of '{features}' in this table; it has: {known}.")

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))


def pca_baseline(train: Any, features: Any, n: int) -> np.ndarray:
    """The first principal components, as the baseline that a learned embedding of equal size must beat.

    Parameters
    ----------
    train : array, shape (M, ...)
        Samples to find the components on: those that the embedding was fitted on.
    features : array, shape (N, ...)
        Samples to project; the same size as those of `train`. Images are flattened.
    n : int
        Number of components, at most M and the size of a sample.

    Returns
    -------
    ndarray of float64, shape (N, n)
        Exact and the same on every run (no randomised solver); most variance first.

    Raises
    ------
    InputError
        If there are fewer samples or features than components, or the sizes differ.
    """
    found, others = _components(train, features, n)
    return found.transform(others)


def pca_reconstruction(train: Any, features: Any, n: int) -> np.ndarray:
    """What `n` principal components keep of samples, as the baseline that reconstructions must beat.

    Parameters
    ----------
    train, features, n
        As for `pca_baseline`.

    Returns
    -------
    ndarray of float32, shape of `features`
    """
    found, others = _components(train, features, n)
    return found.inverse_transform(found.transform(others)).astype(np.float32).reshape(np.shape(features))


def _components(train: Any, features: Any, n: int) -> tuple[Any, np.ndarray]:
    """The components of training samples, and the other samples as vectors."""
    from sklearn.decomposition import PCA

    x = as_features(train, "training samples")
    others = x if features is train else as_features(features, "samples")
    if x.shape[1] != others.shape[1]:
        raise InputError(f"The training samples have {x.shape[1]} values each, but the samples {others.shape[1]}.")
    if not 1 <= n <= min(x.shape):
        raise InputError(f"Of {x.shape[0]} samples of {x.shape[1]} values, 1 to {min(x.shape)} components can be had.")
    # Of samples that are all alike nothing varies, and the iterative solver finds no direction to begin with.
    varied = (x != x[:1]).any()
    solver = "arpack" if n < min(x.shape) and varied else "full"
    with np.errstate(invalid="ignore"):  # nor shares of a variance
        return PCA(n, svd_solver=solver, random_state=0).fit(x), others


def evaluate_embedding(
    latent: Any,
    labels: Any = None,
    *,
    groups: Any = None,
    split: Any = None,
    clusters: Any = None,
    baselines: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Every measure of an embedding with its interval, and the same for baselines.

    Parameters
    ----------
    latent : array, shape (N, D)
        One vector per sample.
    labels : array, shape (N,), optional
        Known classes. Samples without one (None, NaN, empty) are left out, and the notes say how many. Without labels
        only the clusters are measured.
    groups : array, shape (N,), optional
        Image, well or patient of each sample: held out and resampled whole.
    split : array, shape (N,), optional
        ``"train"`` and ``"test"``: probes are trained on the one, and everything is scored on the other.
    clusters : array, shape (N,), optional
        Clusters of the embedding that were found before. Default: k-means on all samples, with as many clusters as
        classes, or the number found by silhouette where there are no labels.
    baselines : mapping of str to array, shape (N, ...), optional
        Other representations of the same samples, such as `pca_baseline` or the raw pixels.
    seed : int
        For folds, k-means and resampling.

    Returns
    -------
    Evaluation
        For each representation the linear probe, k-NN probe, silhouette of the clusters and of the classes, ARI, NMI,
        clustering accuracy; for each baseline also the paired difference of the probes from it, on the same samples and
        folds.

    Raises
    ------
    InputError
        As the measures do, naming the sample or the class.
    """
    shown = representations(latent, baselines)
    number = len(shown[LATENT])
    columns = {"labels": labels, "groups": groups, "split": split, "clusters": clusters}
    given = {name: check_length(v, number, name) for name, v in columns.items() if v is not None}
    left_out = ""
    if "labels" in given:
        labelled = encode(labels, allow_missing=True).codes >= 0
        if not labelled.all():
            left_out = f"; {number_of(int((~labelled).sum()), 'sample')} without a label left out"
            shown = {name: x[labelled] for name, x in shown.items()}
            given = {name: column[labelled] for name, column in given.items()}
    comparison = _Comparison(given, seed, left_out)
    return Evaluation(tuple(chain.from_iterable(comparison.rows(name, x) for name, x in shown.items())))


def evaluate_factors(
    codes: Any,
    factors: Mapping[str, Any],
    *,
    groups: Any = None,
    baselines: Mapping[str, Any] | None = None,
    n: int = 200,
    seed: int = 0,
) -> Evaluation:
    """MIG and DCI of an embedding against known factors, and the same for baselines.

    Parameters
    ----------
    codes : array, shape (N, D)
        Latent vectors (posterior means).
    factors : mapping of str to array, shape (N,)
        Known factors: classes and measurements, told apart as by `coverslip.measure.mig`.
    groups : array, shape (N,), optional
        Held out and resampled whole.
    baselines : mapping of str to array, shape (N, ...), optional
        Other representations of the same samples.
    n : int
        Resamplings of MIG.
    seed : int
        For forests, folds and resampling.

    Returns
    -------
    Evaluation
        MIG, disentanglement, completeness, and the informativeness about each factor. Disentanglement and completeness
        have no interval: each resampling would grow new forests on repeated samples.
    """
    shown = representations(codes, baselines)
    rows = (_factor_rows(name, x, factors, groups, n, seed) for name, x in shown.items())
    return Evaluation(tuple(chain.from_iterable(rows)))


def _factor_rows(name: str, x: np.ndarray, factors: Mapping[str, Any], groups: Any, n: int, seed: int) -> Iterator[Row]:
    counted = discretise(x, factors, bins=BINS, binning="width")
    gap = bootstrap(mean_gap, *counted, groups=groups, n=n, seed=seed)
    yield row_of(
        name, "MIG", gap, f"{BINS} bins of equal width; {number_of(len(factors), 'factor')}; resampling lowers it"
    )
    found = dci(x, factors, groups=groups, seed=seed)
    for measure, value in (("disentanglement", found.disentanglement), ("completeness", found.completeness)):
        yield Row(name, f"DCI {measure}", value, np.nan, np.nan, len(x), "random forests; no interval")
    for factor, predicted in found.predictions.items():
        statistic, unit = (r_squared, "R²") if found.measured[factor] else (balanced_accuracy, "balanced accuracy")
        interval = bootstrap(statistic, factors[factor], predicted, groups=groups, seed=seed)
        yield row_of(name, f"DCI informativeness ({factor})", interval, f"{unit} of held-out samples")


def representations(latent: Any, baselines: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
    """The embedding and its baselines by name, checked."""
    shown = {LATENT: as_features(latent, "latent vectors")}
    for name, values in (baselines or {}).items():
        if name == LATENT:
            raise InputError(f"A baseline cannot be called '{LATENT}': that is the embedding itself.")
        shown[name] = as_features(values, f"features of the baseline '{name}'")
        if len(shown[name]) != len(shown[LATENT]):
            raise InputError(
                f"The baseline '{name}' has {len(shown[name])} samples, but the embedding {len(shown[LATENT])}."
            )
    return shown


class _Comparison:
    """Measures one representation after the other; the first is what the others are compared with."""

    def __init__(self, given: Mapping[str, np.ndarray], seed: int, left_out: str) -> None:
        self.labels, self.groups, self.split = given.get("labels"), given.get("groups"), given.get("split")
        self.clusters, self.seed, self.left_out = given.get("clusters"), seed, left_out
        self.hits: dict[str, np.ndarray] = {}

    def rows(self, name: str, x: np.ndarray) -> Iterator[Row]:
        tested = np.arange(len(x))
        if self.labels is not None:
            for title, found in self._probes(x):
                tested = found.tested
                note = found.protocol + self.left_out
                yield row_of(name, f"{title} balanced accuracy", found.balanced_accuracy, note)
                yield row_of(name, f"{title} accuracy", found.accuracy, note)
                if name == LATENT:
                    self.hits[title] = found.hits
                else:
                    better = self.hits[title] - found.hits
                    by_class = self._interval(class_mean, better, self.labels[tested], samples=tested)
                    yield row_of(f"{LATENT} - {name}", f"{title} balanced accuracy", by_class, f"paired; {note}")
        yield from self._clusters(name, x, tested)

    def _probes(self, x: np.ndarray) -> Iterator[tuple[str, ProbeResult]]:
        how: dict[str, Any] = {"groups": self.groups, "split": self.split, "seed": self.seed}
        yield "linear probe", linear_probe(x, self.labels, **how)
        yield "k-NN probe", knn_probe(x, self.labels, **how)

    def _clusters(self, name: str, x: np.ndarray, tested: np.ndarray) -> Iterator[Row]:
        if name == LATENT and self.clusters is not None:
            clusters = self.clusters
            note = number_of(len(np.unique(clusters)), "given cluster")
        else:
            found = cluster(x, "auto" if self.labels is None else len(encode(self.labels).classes), seed=self.seed)
            clusters, note = found.labels, f"{found.k} clusters by k-means"
            note += " (number by silhouette)" if self.labels is None else " (as many as classes)"
        yield from self._silhouette(name, "silhouette of clusters", x[tested], clusters[tested], note)
        if self.labels is None:
            return
        truth = self.labels[tested]
        yield from self._silhouette(name, "silhouette of classes", x[tested], truth, self.left_out.removeprefix("; "))
        for measure, statistic in (
            ("ARI", adjusted_rand_index),
            ("NMI", normalised_mutual_information),
            ("clustering accuracy", clustering_accuracy),
        ):
            agreement = self._interval(statistic, clusters[tested], truth, samples=tested)
            yield row_of(name, measure, agreement, note + self.left_out)

    def _silhouette(self, name: str, measure: str, x: np.ndarray, clusters: np.ndarray, note: str) -> Iterator[Row]:
        if not 2 <= len(np.unique(clusters)) < len(x):
            return  # undefined
        values, samples = silhouette_samples(x, clusters, seed=self.seed)
        yield row_of(name, measure, self._interval(mean, values, samples=samples), note)

    def _interval(self, statistic: Statistic, *arrays: np.ndarray, samples: np.ndarray) -> Interval:
        groups = None if self.groups is None else self.groups[samples]
        return bootstrap(statistic, *arrays, groups=groups, seed=self.seed)


def row_of(features: str, measure: str, found: Interval, note: str) -> Row:
    """A line of the table from a number with its interval."""
    return Row(features, measure, found.value, found.low, found.high, found.n, note)
