"""What an augmented sample lies near, and how little of it a division cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_NEAREST = 10


def links_of(latent: np.ndarray, views: np.ndarray) -> csr_matrix:
    """Links between samples that augmentation can take for one another.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        Vectors of the samples as they are.
    views : ndarray, shape (V, N, D)
        Vectors of each sample augmented V times.

    Returns
    -------
    csr_matrix, shape (N, N)
        How often one of two samples is among the ten that lie nearest to an augmented version of the other; symmetric.
    """
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEAREST, len(latent))
    near = NearestNeighbors(n_neighbors=count).fit(latent).kneighbors(views.reshape(-1, views.shape[-1]))[1]
    own = np.tile(np.repeat(np.arange(len(latent)), count), len(views))
    links = csr_matrix((np.ones(near.size), (own, near.ravel())), shape=(len(latent), len(latent)))
    return (links + links.T).tocsr()


def modularity(links: csr_matrix, clusters: np.ndarray) -> float:
    """The share of links within clusters, less what it would be were they drawn at random (Newman 2006).

    Parameters
    ----------
    links : csr_matrix, shape (N, N)
        Symmetric weights.
    clusters : ndarray of int, shape (N,)
        From 0 on.

    Returns
    -------
    float
        Below 1; 0 where clusters say nothing of the links.
    """
    members = np.eye(int(clusters.max()) + 1)[clusters]
    between = members.T @ (links @ members)
    between /= between.sum()
    return float(np.trace(between) - (between.sum(axis=0) ** 2).sum())
