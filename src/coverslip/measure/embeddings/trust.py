"""What can be trusted without labels: whether clusters come back, and how much of an embedding is batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import InputError, track
from coverslip.measure.embeddings.agreement import adjusted_rand_index
from coverslip.measure.embeddings.clusters import cluster
from coverslip.measure.embeddings.evaluate import Evaluation, Row, representations, row_of
from coverslip.measure.embeddings.neighbours import NEIGHBOURS, nearest
from coverslip.measure.embeddings.silhouettes import silhouette_samples
from coverslip.measure.inputs import as_features, check_length, encode, missing
from coverslip.measure.intervals import Interval, bootstrap
from coverslip.measure.scores import mean

RUNS = 10
"""Clusterings of resampled samples that are compared, where nobody says."""

SAMPLES = 5000
"""Of more samples than this, so many are drawn."""

RANKED = 1500
"""Likewise, where all pairs are ranked again and again."""


BATCHES = ("plate", "day", "batch")
"""Columns that say what was done together; the first that has several values is measured."""


def batch_column(columns: Mapping[str, np.ndarray]) -> str | None:
    """The column that says what was done together, if there is one."""

    def several(values: np.ndarray) -> bool:
        return len({str(value) for value in np.asarray(values)[~missing(np.asarray(values))]}) > 1

    return next((name for name in BATCHES if name in columns and several(columns[name])), None)


class Stability(NamedTuple):
    """How alike clusterings of resampled samples are.

    Parameters
    ----------
    ari : float
        Mean adjusted Rand index over all pairs of runs, on the samples themselves; 1 is always the same.
    low, high : float
        The 2.5th and 97.5th percentile of the pairs.
    runs : int
        How many clusterings.
    """

    ari: float
    low: float
    high: float
    runs: int


def cluster_stability(features: Any, k: int, *, runs: int = RUNS, seed: int = 0) -> Stability:
    """Whether k-means finds the same clusters again in other samples of the same kind and from other starts.

    Each run draws as many samples as there are with replacement, clusters them from a start of its own, and gives every
    sample to the nearest of the centres found; the runs are compared on all samples.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    k : int
        Number of clusters.
    runs : int
        Clusterings, at least 2.
    seed : int
        For drawing and for starts.

    References
    ----------
    Ben-Hur, Elisseeff, Guyon: A stability based method for discovering structure in clustered data, PSB 2002;
    Hennig: Cluster-wise assessment of cluster stability, CSDA 52 (2007).
    """
    from sklearn.cluster import KMeans

    from coverslip.measure.threads import few_threads

    x = _some(as_features(features), seed)
    if runs < 2:
        raise InputError(f"At least two clusterings are compared, not {runs}.")
    rng = np.random.default_rng(seed)
    found = []
    with few_threads(x.size):
        for run in track(range(runs), "Clustering again"):
            drawn = x[rng.integers(0, len(x), len(x))]
            k_found = min(k, len(np.unique(drawn, axis=0)))
            found.append(KMeans(k_found, n_init=3, random_state=seed + run).fit(drawn).predict(x))
    pairs = [adjusted_rand_index(a, b) for a, b in combinations(found, 2)]
    low, high = np.percentile(pairs, [2.5, 97.5])
    return Stability(float(np.mean(pairs)), float(low), float(high), runs)


def batch_mixing(features: Any, batches: Any, *, k: int = NEIGHBOURS) -> np.ndarray:
    """How well the batches are mixed around each sample.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    batches : array, shape (N,)
        Plate, day or batch of each.
    k : int
        Neighbours of each sample.

    Returns
    -------
    ndarray of float, shape (N,)
        Share of its neighbours that are of another batch, over the share that would be by chance, which is that of all
        other samples: about 1 on average where batches are mixed, 0 where each batch lies for itself.

    Raises
    ------
    InputError
        If there are fewer than two batches.
    """
    x, named = as_features(features), encode(batches, "batches")
    check_length(named.codes, len(x), "batches")
    if len(named.classes) < 2:
        raise InputError("Batches can be mixed only where there are two of them or more.")
    which, _ = nearest(x, k=k)
    other = (named.codes[which] != named.codes[:, None]).mean(axis=1)
    expected = (len(x) - named.counts[named.codes]) / (len(x) - 1)
    return other / expected


@dataclass(frozen=True)
class Retrieval:
    """How well samples of a treatment find each other in other batches.

    Parameters
    ----------
    treatments : list of str
        Those that are in two batches or more.
    value : ndarray of float, shape (T,)
        Mean average precision of the samples of each, from 0 to 1.
    p : ndarray of float, shape (T,)
        Chance of a value as high where treatments were shuffled within batches.
    chance : ndarray of float, shape (T,)
        The mean of the shuffled ones.
    samples : Interval
        The mean over all samples, treatments resampled whole.
    """

    treatments: list[str]
    value: np.ndarray
    p: np.ndarray
    chance: np.ndarray
    samples: Interval


def retrieval(
    features: Any, treatments: Any, batches: Any, *, permutations: int = 200, seed: int = 0, max_samples: int = RANKED
) -> Retrieval:
    """Mean average precision with which samples of one treatment find each other across batches.

    Each sample ranks the samples of all *other* batches by cosine similarity; those of its own treatment are right.
    Neighbours that share a plate, and therefore whatever is wrong with it, count for nothing.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample (or per well).
    treatments, batches : array, shape (N,)
        Of each.
    permutations : int
        Shufflings of the treatments within each batch, for the p-values.
    seed : int
        For these, and for drawing `max_samples`.
    max_samples : int
        Of more samples, so many are drawn.

    Raises
    ------
    InputError
        If no treatment is in two batches, or all samples are of one.

    References
    ----------
    Kalinin et al.: A versatile information retrieval framework for evaluating profile strength and similarity, Nature
    Communications 16 (2025). There the pairs are shuffled, here the treatments within batches.
    """
    x = as_features(features)
    rows = _some(np.arange(len(x)), seed, max_samples)
    x, of, batch = (
        x[rows],
        encode(np.asarray(treatments)[rows], "treatments"),
        encode(np.asarray(batches)[rows], "batches"),
    )
    if len(of.classes) < 2:
        raise InputError("All samples are of one treatment, so none has to be found among others.")
    pairs = np.unique(np.stack([of.codes, batch.codes]), axis=1)
    shared = np.flatnonzero(np.bincount(pairs[0], minlength=len(of.classes)) > 1)
    if not len(shared):
        raise InputError("No treatment is in two batches, so none can be found again in another one.")
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(float).tiny)
    ranking = _Ranking(x, batch.codes)
    precision = ranking.average_precision(of.codes)
    rng = np.random.default_rng(seed)
    # A shuffled treatment is as rare as the true one, so that each is compared with its own chance.
    draws = (_within(of.codes, batch.codes, rng) for _ in track(range(permutations), "Shuffling treatments"))
    shuffled = np.stack([_means(ranking.average_precision(drawn), drawn, shared) for drawn in draws])
    value = _means(precision, of.codes, shared)
    p = (1 + (shuffled >= value).sum(axis=0)) / (permutations + 1)
    kept = np.isin(of.codes, shared) & np.isfinite(precision)
    interval = bootstrap(mean, precision[kept], groups=of.codes[kept] if len(shared) > 1 else None, seed=seed)
    return Retrieval([of.names[t] for t in shared], value, p, shuffled.mean(axis=0), interval)


class _Ranking:
    """Of each sample all samples of other batches, the most similar first."""

    def __init__(self, x: np.ndarray, batches: np.ndarray) -> None:
        similar = x @ x.T
        similar[batches[:, None] == batches] = -np.inf
        self._order = np.argsort(-similar, axis=1, kind="stable").astype(np.int32)
        self._length = (batches[:, None] != batches).sum(axis=1)

    def average_precision(self, codes: np.ndarray) -> np.ndarray:
        """Of each sample, ``(N,)``; NaN where no other batch has its treatment."""
        within = np.arange(len(codes)) < self._length[:, None]
        right = (codes[self._order] == codes[:, None]) & within
        count = right.cumsum(axis=1)
        total = count[:, -1]
        with np.errstate(invalid="ignore"):
            return (right * count / np.arange(1, len(codes) + 1)).sum(axis=1) / np.where(total, total, np.nan)


def _means(precision: np.ndarray, codes: np.ndarray, shared: np.ndarray) -> np.ndarray:
    return np.array([np.nanmean(precision[codes == t]) for t in shared])


def _within(codes: np.ndarray, batches: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes shuffled within each batch."""
    order = np.lexsort((rng.random(len(codes)), batches))
    place = np.argsort(batches, kind="stable")
    shuffled = np.empty_like(codes)
    shuffled[place] = codes[order]
    return shuffled


def _some(x: np.ndarray, seed: int, most: int = SAMPLES) -> np.ndarray:
    if len(x) <= most:
        return x
    return x[np.sort(np.random.default_rng(seed).choice(len(x), most, replace=False))]


def evaluate_trust(
    latent: Any,
    *,
    clusters: int | None = None,
    batches: tuple[str, Any] | None = None,
    treatments: Any = None,
    baselines: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """What can be said of an embedding without classes, and the same of baselines.

    Parameters
    ----------
    latent : array, shape (N, D)
        One vector per sample.
    clusters : int, optional
        How many clusters are looked for again and again; default: found by silhouette for each.
    batches : (str, array of shape (N,)), optional
        What batches are called (plate, day …) and which each sample is of.
    treatments : array, shape (N,), optional
        What was done to each; measured across batches.
    baselines : mapping of str to array, optional
        Other representations of the same samples.
    seed : int
        For all that is drawn.

    Returns
    -------
    Evaluation
        Stability of clusters; with two batches or more their mixing and their silhouette; with treatments the retrieval
        across batches.
    """
    shown = representations(latent, baselines)
    return Evaluation(
        tuple(chain.from_iterable(_rows(name, x, clusters, batches, treatments, seed) for name, x in shown.items()))
    )


def _rows(
    name: str, x: np.ndarray, clusters: int | None, batches: tuple[str, Any] | None, treatments: Any, seed: int
) -> Iterator[Row]:
    k = clusters or cluster(x, "auto", seed=seed).k
    if k > 1:
        stable = cluster_stability(x, k, seed=seed)
        yield Row(
            name,
            "stability of clusters",
            stable.ari,
            stable.low,
            stable.high,
            len(x),
            f"ARI between {stable.runs} k-means clusterings (k = {k}) of resampled samples; 1 is always the same",
        )
    if batches is None:
        return
    called, values = batches
    values = np.asarray(values)
    known = ~missing(values)
    if len(np.unique(values[known].astype(str))) < 2:
        return
    x, words = x[known], values[known].astype(str)
    rows = _some(np.arange(len(x)), seed)
    mixed = batch_mixing(x[rows], words[rows])
    yield row_of(
        name,
        f"mixing of {called}",
        bootstrap(mean, mixed, seed=seed),
        f"share of {NEIGHBOURS} neighbours from another {called}, over that by chance; 1 is mixed, 0 apart",
    )
    of_batch, _ = silhouette_samples(x[rows], words[rows], seed=seed)
    yield row_of(
        name,
        f"silhouette of {called}",
        bootstrap(mean, of_batch, seed=seed),
        f"about 0 or below where a {called} makes no group of its own",
    )
    if treatments is None:
        return
    done = np.asarray(treatments)[known]
    treated = ~missing(done)
    try:
        found = retrieval(x[treated], done[treated].astype(str), words[treated], seed=seed)
    except InputError:
        return  # one treatment, or none in two batches: there is nothing to find
    clear = int((found.p <= 0.05).sum())
    yield row_of(
        name,
        f"retrieval mAP of treatment across {called}",
        found.samples,
        f"by chance {found.chance.mean():.3f}; {clear} of {len(found.treatments)} treatments above it (p ≤ 0.05)",
    )
