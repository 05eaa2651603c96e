"""What stays of a map and of its clusters where a method is fitted again, or images are taken a little differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from coverslip.measure.embeddings.agreement import adjusted_rand_index
from coverslip.measure.embeddings.clusters import cluster
from coverslip.measure.embeddings.evaluate import LATENT, Evaluation, Row, row_of
from coverslip.measure.embeddings.neighbours import NEIGHBOURS, nearest
from coverslip.measure.inputs import as_features
from coverslip.measure.intervals import bootstrap
from coverslip.measure.scores import mean

SAMPLES = 2000
"""Of more samples than this, so many are drawn."""

REFITS, VIEWS = "fitted again", "changed images"


def neighbours_kept(one: Any, other: Any, *, k: int = NEIGHBOURS) -> np.ndarray:
    """How many of its nearest samples each sample has in another representation too.

    Parameters
    ----------
    one, other : array, shape (N, D) and (N, E)
        Vectors of the same samples.
    k : int
        Neighbours of each.

    Returns
    -------
    ndarray of float, shape (N,)
        Share of the neighbours in `one` that are neighbours in `other`; by chance ``k / (N - 1)``.
    """
    return _shared(nearest(one, k=k)[0], nearest(other, k=k)[0])


def evaluate_kept(
    latent: Any,
    *,
    refits: Sequence[Any] = (),
    views: Sequence[Any] = (),
    clusters: int | None = None,
    name: str = LATENT,
    seed: int = 0,
) -> Evaluation:
    """Whether neighbours and clusters stay where a method is fitted again, or images are changed a little.

    Parameters
    ----------
    latent : array, shape (N, D)
        One vector per sample.
    refits : sequence of array, each (N, E)
        Vectors of the same samples by other fits of the method, from other seeds: another space each.
    views : sequence of array, each (N, D)
        Vectors of changed images of the same samples, by the same fit. Neighbours are looked for among the samples as
        they are, and clusters are those that were found there.
    clusters : int, optional
        How many k-means makes; default: found by silhouette.
    name : str
        What the representation is called.
    seed : int
        For clusters, for resampling, and for drawing where there are more than 2,000 samples.

    Returns
    -------
    Evaluation
        Of each kind the share of the 15 nearest neighbours that stays, and the adjusted Rand index of clusters.
    """
    x = as_features(latent, "latent vectors")
    rows = np.arange(len(x))
    if len(x) > SAMPLES:
        rows = np.sort(np.random.default_rng(seed).choice(len(x), SAMPLES, replace=False))
    others = [as_features(each, "vectors of another fit")[rows] for each in refits]
    viewed = [as_features(each, "vectors of changed images")[rows] for each in views]
    return Evaluation(tuple(_rows(x[rows], others, viewed, clusters, name, seed)))


def _rows(
    x: np.ndarray, refits: list[np.ndarray], views: list[np.ndarray], clusters: int | None, name: str, seed: int
) -> Iterator[Row]:
    if not refits and not views:
        return
    found = cluster(x, clusters or "auto", seed=seed)
    around = nearest(x, k=NEIGHBOURS)[0]
    chance = f"by chance {around.shape[1] / (len(x) - 1):.3f}"
    if refits:
        fits = [around, *(nearest(each, k=NEIGHBOURS)[0] for each in refits)]
        kept = np.mean([_shared(a, b) for a, b in combinations(fits, 2)], axis=0)
        what = f"of {NEIGHBOURS}, between {len(fits)} fits from other seeds; {chance}"
        yield row_of(name, f"neighbours kept, {REFITS}", bootstrap(mean, kept, seed=seed), what)
        told = [found.labels, *(cluster(each, found.k, seed=seed).labels for each in refits)]
        pairs = [adjusted_rand_index(a, b) for a, b in combinations(told, 2)]
        what = f"ARI of k-means (k = {found.k}) between {len(fits)} fits, from the least to the most alike"
        yield Row(name, f"clusters kept, {REFITS}", float(np.mean(pairs)), min(pairs), max(pairs), len(x), what)
    if views:
        own = np.arange(len(x))
        kept = np.mean([_shared(around, nearest(each, x, NEIGHBOURS, own=own)[0]) for each in views], axis=0)
        what = f"of {NEIGHBOURS}; images turned, a little moved, lit and grainy; {chance}"
        yield row_of(name, f"neighbours kept, {VIEWS}", bootstrap(mean, kept, seed=seed), what)
        told = [_of_centre(each, found.centres) for each in views]
        before = np.tile(_of_centre(x, found.centres), len(views))
        stay = bootstrap(adjusted_rand_index, before, np.concatenate(told), groups=np.tile(own, len(views)), seed=seed)
        yield row_of(name, f"clusters kept, {VIEWS}", stay, f"ARI of the same images, changed, in {found.k} clusters")


def _shared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Share of each row of `one` that is in the row of `other`."""
    return np.array([np.isin(a, b).mean() for a, b in zip(one, other, strict=True)])


def _of_centre(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.asarray(((x[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1))
