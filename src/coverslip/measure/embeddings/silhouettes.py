"""How well clusters are separated: whether samples are nearer to their own than to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.measure.inputs import as_features, check_length, encode
from coverslip.measure.threads import few_threads

SILHOUETTE_SAMPLES = 5000
"""Above this number of samples, the silhouette is that of a random part of them."""


def silhouette_samples(
    features: Any, clusters: Any, *, max_samples: int = SILHOUETTE_SAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Silhouette of each sample: whether it is nearer to its own cluster than to the next.

    Parameters
    ----------
    features, clusters, max_samples, seed
        As for `silhouette`.

    Returns
    -------
    values : ndarray of float, shape (min(N, max_samples),)
        From -1 to 1; 0 for the only sample of a cluster.
    samples : ndarray of int
        Which samples these are, in ascending order.
    """
    from sklearn.metrics import silhouette_samples as of_samples

    x, labels = as_features(features), encode(clusters, "clusters")
    check_length(labels.codes, len(x), "clusters")
    samples = np.arange(len(x))
    if len(x) > max_samples:
        samples = np.sort(np.random.default_rng(seed).choice(len(x), max_samples, replace=False))
    codes = labels.codes[samples]
    number = len(np.unique(codes))
    if not 2 <= number < len(samples):
        raise InputError(
            "A silhouette needs at least 2 clusters and more samples than clusters, not "
            f"{number_of(number, 'cluster')} of {number_of(len(samples), 'sample')}."
        )
    with few_threads(x.size):
        return of_samples(x[samples], codes), samples


def silhouette(features: Any, clusters: Any, *, max_samples: int = SILHOUETTE_SAMPLES, seed: int = 0) -> float:
    """Mean silhouette: how much nearer samples are to their own cluster than to the next one.

    Parameters
    ----------
    features : array, shape (N, D)
        Compared by Euclidean distance.
    clusters : array, shape (N,)
        Cluster (or class) of each sample.
    max_samples : int
        Above this number, the mean of so many samples drawn with `seed`: distances between all pairs are needed.
    seed : int
        For that draw.

    Returns
    -------
    float
        From -1 to 1; higher is better separated, 0 for clusters that overlap.

    Raises
    ------
    InputError
        If there are fewer than 2 clusters, or as many as samples.

    References
    ----------
    Rousseeuw: Silhouettes, Journal of Computational and Applied Mathematics 20 (1987).
    """
    return float(silhouette_samples(features, clusters, max_samples=max_samples, seed=seed)[0].mean())
