"""Found in the latents: the clusters that centres start from, and what lies near what."""

from __future__ import annotations

import numpy as np

from coverslip.measure.threads import few_threads
from coverslip.methods.deep_cluster.links import links_of, modularity

_NEIGHBOURS = 20  # as N2D has it
_DIMENSIONS = 5
_EPOCHS = 200
_TRIES = 30
"""K-means of the map, each from other centres."""

_FLOOR = 1e-4
"""Added to variances on the map, so that groups that lie in a plane have a likelihood."""


def starting_clusters(latent: np.ndarray, k: int, how: str, seed: int, views: np.ndarray | None = None) -> np.ndarray:
    """The cluster that each sample starts in.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        Vectors of the samples.
    k : int
        Number of clusters.
    how : {"kmeans", "umap"}
        k-means of the latents; or a Gaussian mixture on a UMAP of them, begun at k-means of the map.
    seed : int
        Decides all that is random.
    views : ndarray, shape (V, N, D), optional
        Vectors of each sample augmented V times. Of several k-means of the map the one is taken that keeps most of
        them with what lies near them (see `links.modularity`); without them, the most compact one.

    Returns
    -------
    ndarray of int, shape (N,)
        0 is the largest cluster.

    References
    ----------
    McConville, Santos-Rodriguez, Piechocki, Craddock: N2D, ICPR 2020.
    """
    if how == "umap" and len(latent) > 2 * _NEIGHBOURS and k > 1:
        found = _on_a_map(latent, k, seed, views)
    else:
        from sklearn.cluster import KMeans

        with few_threads(latent.size):
            found = KMeans(k, n_init=20, random_state=seed).fit_predict(latent)
    order = np.argsort(-np.bincount(found, minlength=k), kind="stable")
    return np.argsort(order)[found]


def means(latent: np.ndarray, clusters: np.ndarray, k: int) -> np.ndarray:
    """The mean vector of each cluster, ``(k, D)``; of an empty one, the mean of all."""
    whole = latent.mean(axis=0)
    rows = [latent[clusters == i].mean(axis=0) if (clusters == i).any() else whole for i in range(k)]
    return np.stack(rows).astype(np.float32)


def neighbours_of(latent: np.ndarray, count: int) -> np.ndarray:
    """Each vector and the nearest to it, at most `count` others, ``(N, count + 1)``."""
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(latent) - 1)
    return np.asarray(NearestNeighbors(n_neighbors=count + 1).fit(latent).kneighbors(latent, return_distance=False))


def _on_a_map(latent: np.ndarray, k: int, seed: int, views: np.ndarray | None) -> np.ndarray:
    import warnings

    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap speaks of its threads
        from umap import UMAP

        mapped = UMAP(
            n_neighbors=_NEIGHBOURS,
            n_components=min(k, latent.shape[1], _DIMENSIONS),
            n_epochs=_EPOCHS,
            min_dist=0.0,
            random_state=seed,
            n_jobs=1,
        ).fit_transform(latent)
    with few_threads(mapped.size):
        first = _compact(mapped, k, seed) if views is None else _held_together(mapped, k, seed, latent, views)
        # A mixture of best likelihood divides one dense group and joins two: it may only move the borders of k-means.
        parts = [mapped[first == i] for i in range(k)]
        spreads = [np.cov(part.T).reshape(part.shape[1], -1) + _FLOOR * np.eye(part.shape[1]) for part in parts]
        mixture = GaussianMixture(
            k,
            weights_init=np.array([len(part) for part in parts]) / len(mapped),
            means_init=means(mapped, first, k),
            precisions_init=np.linalg.inv(np.nan_to_num(spreads)),
            reg_covar=_FLOOR,
            random_state=seed,
        )
        return np.asarray(mixture.fit_predict(mapped))


def _compact(mapped: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=_TRIES, random_state=seed).fit_predict(mapped))


def _held_together(mapped: np.ndarray, k: int, seed: int, latent: np.ndarray, views: np.ndarray) -> np.ndarray:
    """The k-means of the map that cuts the fewest links between an augmented sample and what lies near it.

    Two that are about as compact differ in what they cut: whether a large group that is drawn out (upright and slanted)
    or the gap between two small ones. Augmented samples cross the first and not the second.
    """
    from sklearn.cluster import KMeans

    tries = [KMeans(k, n_init=1, random_state=seed + i).fit_predict(mapped) for i in range(_TRIES)]
    links = links_of(latent, views)
    return np.asarray(max(tries, key=lambda clusters: modularity(links, clusters)))
