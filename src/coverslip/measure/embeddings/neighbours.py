"""What the nearest neighbours of a sample say of it: which class is theirs, which samples to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import as_features, check_length, encode
from coverslip.measure.threads import few_threads

NEIGHBOURS = 15
"""How many neighbours are asked, where nobody says."""

REFERENCES = 10_000
"""Of more samples than this, so many, drawn with the seed, are asked as neighbours: time grows with their number."""


def nearest(
    features: Any, reference: Any = None, k: int = NEIGHBOURS, *, own: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest samples of a reference.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    reference : array, shape (M, D), optional
        Where neighbours are looked for; default: the samples themselves, none of which is its own neighbour.
    k : int
        Neighbours of each, fewer where there are not so many.
    own : array of int, shape (N,), optional
        Which row of `reference` each sample itself is, -1 for none: it is no neighbour.

    Returns
    -------
    which : ndarray of int, shape (N, k)
        Rows of the reference, the nearest first.
    distance : ndarray of float, shape (N, k)
        Euclidean, in the units of the features.

    Raises
    ------
    InputError
        If the two have different numbers of dimensions, or there is no other sample.
    """
    from sklearn.neighbors import NearestNeighbors

    x = as_features(features)
    if reference is None:
        others, own = x, np.arange(len(x))
    else:
        others = as_features(reference, "vectors of the reference")
        own = np.full(len(x), -1) if own is None else check_length(own, len(x), "own rows")
    if x.shape[1] != others.shape[1]:
        raise InputError(
            f"The vectors have {x.shape[1]} dimensions, but those they are compared with {others.shape[1]}; both must "
            "come from the same model."
        )
    self_too = bool((own >= 0).any())
    wanted = min(k + self_too, len(others))
    if wanted - self_too < 1:
        raise InputError("A single sample has no neighbours; give at least 2.")
    with few_threads(x.size):
        distance, which = NearestNeighbors(n_neighbors=wanted).fit(others).kneighbors(x)
    if not self_too:
        return which, distance
    # Each row without itself; of those who do not find themselves among equals, without the last.
    itself = which == own[:, None]
    itself[~itself.any(axis=1), -1] = True
    return which[~itself].reshape(len(x), -1), distance[~itself].reshape(len(x), -1)


def neighbour_shares(
    features: Any, classes: Any, reference: Any = None, *, k: int = NEIGHBOURS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Which share of the neighbours of each sample is of which class.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    classes : array, shape (N,), or (M,) of the reference
        Class or cluster of each, of any kind.
    reference : array, shape (M, D), optional
        As for `nearest`.
    k : int
        Neighbours asked.
    seed : int
        Of more than 10,000 neighbours so many are drawn with it.

    Returns
    -------
    shares : ndarray of float, shape (N, K)
        Rows sum to 1.
    names : ndarray, shape (K,)
        The classes, sorted.
    """
    x = as_features(features)
    others = x if reference is None else as_features(reference, "vectors of the reference")
    labels = encode(classes, "classes")
    check_length(labels.codes, len(others), "classes")
    asked = np.arange(len(others))
    if len(others) > REFERENCES:
        asked = np.sort(np.random.default_rng(seed).choice(len(others), REFERENCES, replace=False))
    own = None
    if reference is None:
        own = np.full(len(x), -1)
        own[asked] = np.arange(len(asked))
    which, _ = nearest(x, others[asked], k, own=own)
    votes = labels.codes[asked][which]
    width = len(labels.classes)
    counted = np.bincount((votes + width * np.arange(len(x))[:, None]).ravel(), minlength=width * len(x))
    return counted.reshape(len(x), width) / which.shape[1], labels.classes


@dataclass(frozen=True)
class ClusterSamples:
    """Samples that show what a cluster is.

    Parameters
    ----------
    name : str
        Of the cluster.
    size : int
        Number of its samples.
    typical, borderline, random : ndarray of int
        Rows: those surrounded by their own, nearest to the middle; those surrounded by others; and any.
    """

    name: str
    size: int
    typical: np.ndarray = field(repr=False)
    borderline: np.ndarray = field(repr=False)
    random: np.ndarray = field(repr=False)


def cluster_samples(
    features: Any, clusters: Any, own_share: Any, *, count: int = 8, seed: int = 0
) -> list[ClusterSamples]:
    """Choose samples that show what each cluster is.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    clusters : array, shape (N,)
        Cluster of each sample.
    own_share : array, shape (N,)
        Share of its neighbours that are of its own cluster.
    count : int
        Samples of each kind. No sample is shown twice; a small cluster has fewer.
    seed : int
        For those drawn at random.

    Returns
    -------
    list of ClusterSamples
        The largest cluster first.
    """
    x, labels = as_features(features), encode(clusters, "clusters")
    share = check_length(own_share, len(x), "shares")
    check_length(labels.codes, len(x), "clusters")
    rng = np.random.default_rng(seed)
    found = []
    for code in np.argsort(-labels.counts, kind="stable"):
        rows = np.flatnonzero(labels.codes == code)
        off = np.linalg.norm(x[rows] - np.median(x[rows], axis=0), axis=1)
        order = rows[np.lexsort((off, -share[rows]))]
        each = min(count, -(-len(rows) // 3))
        typical, left = order[:each], order[each:]
        borderline, left = left[::-1][:each], left[: max(len(left) - each, 0)]
        drawn = np.sort(rng.choice(left, min(each, len(left)), replace=False))
        found.append(ClusterSamples(labels.names[code], len(rows), typical, borderline, drawn))
    return found


def worth_a_look(features: Any, certainty: Any, count: int = 20) -> np.ndarray:
    """The samples that a person should look at next: uncertain, and spread over the map.

    Of the least certain tenth (at least five times as many as wanted), one after the other is taken that is farthest
    from all that were taken before, beginning with the least certain one: ten times the same doubt teaches once.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    certainty : array, shape (N,)
        Such as the share of neighbours that agree; 1 is sure.
    count : int
        How many; fewer where there are not so many that are less than sure.

    Returns
    -------
    ndarray of int
        Rows, in the order in which to look.

    References
    ----------
    Gonzalez: Clustering to minimize the maximum intercluster distance, Theoretical Computer Science 38 (1985).
    """
    x = as_features(features)
    sure = check_length(certainty, len(x), "certainties").astype(np.float64)
    doubtful = np.flatnonzero(sure < 1)
    if not len(doubtful) or not count:
        return np.zeros(0, np.intp)
    pool = doubtful[np.argsort(sure[doubtful], kind="stable")]
    last = sure[pool[min(max(5 * count, len(x) // 10), len(pool)) - 1]]
    pool = pool[sure[pool] <= last]  # all that are as doubtful as the last one
    chosen = [0]
    gap = np.linalg.norm(x[pool] - x[pool[0]], axis=1)
    while len(chosen) < min(count, len(pool)):
        following = int(np.argmax(gap))
        if gap[following] <= 0:  # all that is left looks the same
            break
        chosen.append(following)
        gap = np.minimum(gap, np.linalg.norm(x[pool] - x[pool[following]], axis=1))
    return pool[chosen]
