"""Clusters by k-means, and how many of them there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from coverslip.core import InputError, track
from coverslip.core.words import number_of
from coverslip.measure.embeddings.silhouettes import SILHOUETTE_SAMPLES, silhouette
from coverslip.measure.inputs import as_features
from coverslip.measure.threads import few_threads


@dataclass(frozen=True)
class Clustering:
    """Clusters that were found.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
        Cluster of each sample; 0 is the largest.
    k : int
        Number of clusters.
    centres : ndarray of float, shape (k, D)
        In the units of the features.
    silhouettes : dict of int to float
        The mean silhouette of each number of clusters that was tried; empty where the number was given.
    """

    labels: np.ndarray = field(repr=False)
    k: int
    centres: np.ndarray = field(repr=False)
    silhouettes: dict[int, float]


def cluster(
    features: Any,
    k: int | Literal["auto"] = "auto",
    *,
    k_max: int = 10,
    standardise: bool = False,
    max_samples: int = SILHOUETTE_SAMPLES,
    seed: int = 0,
) -> Clustering:
    """Clusters by k-means, with the number of them found by the silhouette.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    k : int or "auto"
        Number of clusters; ``"auto"`` takes the one of 2 to `k_max` with the largest mean silhouette.
    k_max : int
        Largest number to try.
    standardise : bool
        Bring features to unit variance first, for measurements in different units.
    max_samples : int
        The number of clusters is found on at most so many samples, drawn with `seed`.
    seed : int
        The same seed gives the same clusters.

    Returns
    -------
    Clustering
        With a single cluster where fewer than 3 different samples leave nothing to choose. ``"auto"`` never finds that
        there are no clusters: look at ``silhouettes`` (above about 0.5 they are clear, below 0.25 there may be none).

    Raises
    ------
    InputError
        If `k` is larger than the number of different samples.
    """
    x = as_features(features)
    scale = np.ones(x.shape[1])
    if standardise:
        deviation = x.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1)
    x = x / scale
    different = len(np.unique(x, axis=0))
    silhouettes: dict[int, float] = {}
    if k == "auto":
        some = x
        if len(x) > max_samples:
            some = x[np.sort(np.random.default_rng(seed).choice(len(x), max_samples, replace=False))]
            different = len(np.unique(some, axis=0))
        tried = range(2, min(k_max, different - 1) + 1)
        for number in track(tried, "Finding the number of clusters"):
            silhouettes[number] = silhouette(some, _kmeans(some, number, seed)[0])
        number = max(silhouettes, key=lambda tried: silhouettes[tried], default=1)
    elif not 1 <= k <= different:
        raise InputError(
            f"There cannot be {number_of(k, 'cluster')} of {number_of(different, 'different sample')}; ask for 1 to "
            f"{different}."
        )
    else:
        number = k
    labels, centres = _kmeans(x, number, seed)
    order = np.argsort(-np.bincount(labels, minlength=number), kind="stable")
    rank = np.argsort(order)
    return Clustering(rank[labels], number, centres[order] * scale, silhouettes)


def _kmeans(x: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans

    with few_threads(x.size):
        model = KMeans(k, n_init=10, max_iter=1000, random_state=seed).fit(x)
    return model.labels_, model.cluster_centers_
