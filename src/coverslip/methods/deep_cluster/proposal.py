"""How many clusters: a proposal, with what speaks for each number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from coverslip.core import track

SAMPLES = 4000
"""At most so many are looked at."""

_PAIRS = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """What speaks for a number of clusters.

    Parameters
    ----------
    k : int
        The number.
    silhouette : float
        Mean silhouette of k-means, -1 to 1: how far the clusters are apart.
    stability : float
        Mean adjusted Rand index of k-means fitted to one half of the samples and to the other, from other starts: 1
        where every half tells the same clusters.
    apart : float
        Share of the clusters that a gap divides from the nearest one, by the dip test (`coverslip.measure.gaps`).
    """

    k: int
    silhouette: float
    stability: float
    apart: float

    @property
    def score(self) -> float:
        """Silhouette times stability, halved where no gap divides any: what is not found again is no cluster.

        A gap alone decides nothing, for groups that go over into each other, as phases of a cycle do, have none.
        """
        return self.silhouette * max(self.stability, 0.0) * (1 + self.apart) / 2


def propose(latent: np.ndarray, *, most: int = 15, seed: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """Propose a number of clusters.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        Vectors of the samples.
    most : int
        The largest number tried; the smallest is 2.
    seed : int
        Decides which samples are looked at and where k-means starts.

    Returns
    -------
    k : int
        The number of greatest ``silhouette x stability x (1 + apart) / 2``; 1 where fewer than 3 samples differ. It is
        never found that there are no clusters: where every silhouette is below about 0.25, or none is apart, there may
        be none.
    table : list of dict
        ``k``, ``silhouette``, ``stability`` and ``apart`` of every number tried.

    References
    ----------
    Rousseeuw: Silhouettes, J. Comput. Appl. Math. 20 (1987). Lange, Roth, Braun, Buhmann: Stability-based validation of
    clustering solutions, Neural Computation 16 (2004). Hartigan, Hartigan: The dip test of unimodality, Annals of
    Statistics 13 (1985).
    """
    from sklearn.cluster import KMeans

    from coverslip.measure import adjusted_rand_index, silhouette
    from coverslip.measure.embeddings.modes import share_apart
    from coverslip.measure.threads import few_threads

    rng = np.random.default_rng(seed)
    z = latent[rng.permutation(len(latent))[:SAMPLES]].astype(np.float64)
    different = len(np.unique(z, axis=0))
    table = []
    for k in track(range(2, min(most, different - 1, len(z) // 4) + 1), "Finding the number of clusters"):
        with few_threads(z.size):
            whole = KMeans(k, n_init=5, random_state=seed).fit_predict(z)
            agreements = []
            for pair in range(_PAIRS):
                halves = np.array_split(rng.permutation(len(z)), 2)
                told = [KMeans(k, n_init=3, random_state=seed + pair).fit(z[half]).predict(z) for half in halves]
                agreements.append(adjusted_rand_index(*told))
        table.append(Proposal(k, silhouette(z, whole), float(np.mean(agreements)), share_apart(z, whole)))
    best = max(table, key=lambda found: found.score).k if table else 1
    return best, [asdict(found) for found in table]
