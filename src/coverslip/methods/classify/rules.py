"""From codes to classes by the nearest of kept centres: k-means on the training codes, named by training labels."""

from __future__ import annotations

import numpy as np


def named_centres(codes: np.ndarray, labels: np.ndarray, classes: int, *, balanced: bool = False) -> np.ndarray:
    """Centres of the training codes, the k-th of the class k.

    K-means finds as many centres as there are classes, beginning with the mean code of each; the Hungarian algorithm
    gives each to a class so that most training images lie nearest to a centre of their own. No other image takes part:
    the source clusters the test images, which needs many of them at once, and names clusters by their labels, which
    leaks.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        Of the training images, not augmented.
    labels : ndarray of int, shape (N,)
        Their classes, each of which occurs.
    classes : int
        K.
    balanced : bool
        Every class counts as much, however many images it has; else two centres may share a large class, and none is
        left for a small one.

    Returns
    -------
    ndarray of float32, shape (K, D)
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import KMeans

    weights = 1 / np.bincount(labels, minlength=classes)[labels] if balanced else np.ones(len(labels))
    means = np.stack([codes[labels == k].mean(axis=0) for k in range(classes)])
    found = KMeans(classes, init=means, n_init=1).fit(codes, sample_weight=weights)
    shared = np.zeros((classes, classes))
    np.add.at(shared, (labels, found.labels_), weights)
    of_class, cluster = linear_sum_assignment(shared, maximize=True)
    centres = np.empty_like(found.cluster_centers_)
    centres[of_class] = found.cluster_centers_[cluster]
    return np.asarray(centres, np.float32)


def nearness(codes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Minus half the squared distance from each centre, ``(N, K)``: the logits of Gaussians around them."""
    return np.asarray(-0.5 * ((codes[:, None] - centres[None]) ** 2).sum(axis=2))
