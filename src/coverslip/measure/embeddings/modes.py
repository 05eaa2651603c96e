"""Whether two clusters are two: whether samples have two modes along the line from one to the other."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import as_features, check_length, encode

_DRAWS, _SIZE = 400, 100
"""Uniform samples that a dip is compared with, and their largest size: beyond it, dips go with one over its root."""

_UNEVEN = 2
"""On the more crowded side at most so many times as many samples as on the other, those next to it."""

_MOST = 1000
"""On either side at most so many samples are looked at."""

SAMPLES = 20_000
"""Of more samples than this, so many are drawn."""

TOLD_APART = 0.05
"""Two clusters are two where one mode would dip as far with a smaller chance than this."""


class Gap(NamedTuple):
    """Whether there is a gap between two clusters.

    Parameters
    ----------
    one, other : str
        Their names.
    dip : float
        Of the samples of both along the line between their centres, see `dip`.
    p : float
        Chance of such a dip where there is no gap; at most this, for it is that of the least favourable distribution.
    """

    one: str
    other: str
    dip: float
    p: float


def dip(values: Any) -> float:
    """How far a sample is from having a single mode.

    Parameters
    ----------
    values : array, shape (n,)
        Numbers, at least 2.

    Returns
    -------
    float
        The largest distance between the distribution of the sample and the nearest one with a single mode, which is
        first convex and then concave: 0 where all are equal, from ``1 / (2 n)`` on where they differ, up to 0.25, two
        points that are as frequent.

    Raises
    ------
    InputError
        If there are fewer than 2 numbers, or not all are finite.

    References
    ----------
    Hartigan, Hartigan: The dip test of unimodality, Annals of Statistics 13 (1985), section 3.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
        raise InputError("A dip is that of at least 2 finite numbers.")
    at, counts = np.unique(x, return_counts=True)
    if len(at) == 1:
        return 0.0
    above = np.cumsum(counts) / len(x)  # the distribution at each value, and just below it
    below = above - counts / len(x)
    low, high, found = 0, len(at) - 1, 1 / len(x)
    while high > low:
        part = slice(low, high + 1)
        convex, concave = _corners(at[part], below[part]), _corners(at[part], -above[part])
        lower = np.interp(at[part], at[part][convex], below[part][convex])
        upper = np.interp(at[part], at[part][concave], above[part][concave])
        corners = np.union1d(convex, concave)
        widest = int(corners[np.argmax((upper - lower)[corners])])
        if upper[widest] - lower[widest] <= found:
            break
        # The mode lies between a corner of the one hull and the next of the other, around where they are widest apart.
        left, right = int(convex[convex <= widest].max()), int(concave[concave >= widest].min())
        before, after = (above[part] - lower)[: left + 1].max(), (upper - below[part])[right:].max()
        found = max(found, float(before), float(after))
        if (left, right) == (0, high - low):
            break
        low, high = low + left, low + right
    return found / 2


def dip_p_value(found: float, n: int) -> float:
    """Chance of a dip at least as large among `n` values of one mode.

    Parameters
    ----------
    found : float
        By `dip`.
    n : int
        How many values it is of.

    Returns
    -------
    float
        That of values drawn evenly, the distribution with one mode that dips most, by 400 draws of it.
    """
    size = min(n, _SIZE)
    drawn = _evenly_drawn(size)
    return float((1 + (drawn * np.sqrt(size) >= found * np.sqrt(n)).sum()) / (len(drawn) + 1))


def gaps(features: Any, clusters: Any, *, max_samples: int = SAMPLES, seed: int = 0) -> list[Gap]:
    """Whether there is a gap between each cluster and the one nearest to it.

    All samples in a cylinder around the line between their centres are laid on it, whatever their cluster: wide enough
    for half of the samples of both, and as long as these reach. A single cloud of whatever normal distribution has one
    mode there, wherever it was cut. On the more crowded side only those next to the other are looked at, twice as many
    as there: what is cut off in this way from a single mode is still one, and a small cluster beside a large one can
    be seen.

    Parameters
    ----------
    features : array, shape (N, D)
        One vector per sample.
    clusters : array, shape (N,)
        Cluster of each, at least 2 different ones.
    max_samples : int
        Of more samples, so many are drawn.
    seed : int
        For drawing.

    Returns
    -------
    list of Gap
        Each pair once, in the order of the names; nearest is by the distance of centres.

    References
    ----------
    Leiber, Bauer, Schelling, Böhm, Plant: Dip-based deep embedded clustering with k-estimation, KDD 2021, which lays
    the samples of the two clusters alone on the line: of a cloud that was cut in five they have two modes.
    """
    x, labels = as_features(features), encode(clusters, "clusters")
    check_length(labels.codes, len(x), "clusters")
    if len(x) > max_samples:
        drawn = np.sort(np.random.default_rng(seed).choice(len(x), max_samples, replace=False))
        x, labels = x[drawn], encode(np.asarray(clusters)[drawn], "clusters")
    k = len(labels.classes)
    if k < 2:
        raise InputError("A gap is one between two clusters; there is only one.")
    centres = np.stack([x[labels.codes == code].mean(axis=0) for code in range(k)])
    apart = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    pairs = sorted({(min(a, b), max(a, b)) for a, b in enumerate(apart.argmin(axis=1).tolist())})
    found = []
    for a, b in pairs:
        on_line = _on_line(x, (labels.codes == a) | (labels.codes == b), centres[a], centres[b])
        dipped = dip(on_line)
        found.append(Gap(labels.names[a], labels.names[b], dipped, dip_p_value(dipped, len(on_line))))
    return found


def share_apart(features: Any, clusters: Any) -> float:
    """Share of the clusters between which and the nearest one there is a gap (`gaps`, p below 0.05)."""
    joined = {name for gap in gaps(features, clusters) if gap.p >= TOLD_APART for name in (gap.one, gap.other)}
    return 1 - len(joined) / len(encode(clusters).classes)


def _on_line(x: np.ndarray, of_both: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Places along the line from one centre to another, 0 to 1, of the samples around it."""
    way = end - start
    length = float(way @ way)
    if not length:
        return np.zeros(2)
    place = (x - start) @ way / length
    off = ((x - start - place[:, None] * way) ** 2).sum(axis=1)
    around = off <= np.median(off[of_both])
    near, far = place[around & of_both].min(), place[around & of_both].max()
    within = np.sort(place[around & (place >= near) & (place <= far)])
    before, after = within[within < 0.5][::-1], within[within >= 0.5]
    most = min(_UNEVEN * max(min(len(before), len(after)), 1), _MOST)
    return np.concatenate([before[:most], after[:most]])


def _corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points are corners of the largest convex curve below all of them, from left to right."""
    xs, ys = x.tolist(), y.tolist()
    kept: list[int] = []
    for i in range(len(xs)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (ys[b] - ys[a]) * (xs[i] - xs[b]) < (ys[i] - ys[b]) * (xs[b] - xs[a]):
                break
            kept.pop()
        kept.append(i)
    return np.array(kept)


@lru_cache(maxsize=128)
def _evenly_drawn(size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([dip(rng.random(size)) for _ in range(_DRAWS)])
