"""The strategies: what each keeps of the training vectors, and how it scores others; in NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from coverslip.methods.rank.config import Config
from coverslip.methods.rank.distances import BINARY, centre, distance

Arrays = dict[str, np.ndarray]

_COMPONENTS, _WIDE = 64, {"linear": 256, "mlp": 1024}
"""Wider vectors are predicted by so many of their principal components: a square of all pixels fits into no memory."""


@dataclass(frozen=True)
class Training:
    """What one fit sees.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
        Samples of the last day, anchors and others.
    low, high : ndarray of bool, shape (N,)
        The ends of the scale.
    before : ndarray, shape (N, D), or None
        The same wells on the first day, NaN where there is none; None where there is one day.
    low_pairs : ndarray of bool, shape (N,)
        The low class on the last day, which has pairs also where the zero of the scale is the first day.
    """

    vectors: np.ndarray
    low: np.ndarray
    high: np.ndarray
    before: np.ndarray | None
    low_pairs: np.ndarray


def fit_strategies(seen: Training, config: Config, seed: int) -> Arrays:
    """Fit every strategy.

    Parameters
    ----------
    seen : Training
        In units of the vectors.
    config : Config
    seed : int
        Of the network.

    Returns
    -------
    dict of str to ndarray
        By name: ``scale.*`` (standardisation), ``remains.*`` (of the first day), and what each strategy needs.
    """
    kept: Arrays = {"scale.mean": seen.vectors.mean(0), "scale.deviation": _deviation(seen.vectors, config)}
    x = _scaled(kept, seen.vectors)
    before = None if seen.before is None else _scaled(kept, seen.before)
    if before is not None and config.adjust:
        kept |= _remains(x, before, seen)
    alone = _adjusted(kept, x, before)
    for end, rows in _ends(seen):
        for name in config.distances:
            if "centroid" in config.strategies:
                kept[f"centroid.{end}.{name}"] = centre(alone[rows], name)
            if name in BINARY:
                kept |= {f"cut.{end}": np.median(x[rows], axis=0), f"cut.alone.{end}": np.median(alone[rows], axis=0)}
        if "prediction" in config.strategies:
            rows = seen.low_pairs if end == "low" else rows
            kept |= {
                f"prediction.{end}.{key}": value for key, value in _predictor(x, before, rows, config, seed).items()
            }
    if "softmax" in config.strategies:
        kept |= _classifier(alone, seen)
    if "projection" in config.strategies:
        kept |= _axis(alone, seen)
    scores = score_strategies(kept, seen.vectors, seen.before, config)
    for ruler, values in scores.items():
        zero, one = _mean(values[seen.low]), _mean(values[seen.high])
        kept[f"unit.{ruler}"] = np.array([zero, one - zero if abs(one - zero) > 1e-12 else 1.0])
    return {key: np.asarray(value, dtype=np.float32) for key, value in kept.items()}


def score_strategies(
    kept: Mapping[str, np.ndarray], vectors: np.ndarray, before: np.ndarray | None, config: Config
) -> Arrays:
    """Scores by each ruler, ``strategy/distance/from``; all of them grow towards the high end.

    Parameters
    ----------
    kept : mapping
        What `fit_strategies` gave; with ``unit.*`` scores are 0 at its low end and 1 at its high one.
    vectors : ndarray, shape (N, D)
    before : ndarray, shape (N, D), optional
        First days, NaN where there is none.
    config : Config
    """
    x = _scaled(kept, vectors)
    first = None if before is None else _scaled(kept, before)
    alone = _adjusted(kept, x, first)
    found: Arrays = {}
    for end, sign in (("low", 1.0), ("high", -1.0)):
        guess = _guess(kept, f"prediction.{end}.", x, first) if "prediction" in config.strategies else None
        for name in config.distances:
            if guess is not None:
                found[f"prediction/{name}/{end}"] = sign * distance(name, x, guess, kept.get(f"cut.{end}"))
            if "centroid" in config.strategies:
                to = kept[f"centroid.{end}.{name}"], kept.get(f"cut.alone.{end}")
                found[f"centroid/{name}/{end}"] = sign * distance(name, alone, *to)
    if "softmax" in config.strategies:
        # The probability of the high end rises with this and no further than 1, where all would be equal.
        found["softmax"] = alone @ kept["softmax.weight"] + kept["softmax.bias"][0]
    if "projection" in config.strategies:
        found["projection"] = (alone - kept["projection.mean"]) @ kept["projection.axis"]
    for ruler, values in found.items():
        values = np.where(np.isfinite(values), values, np.nan)
        unit = kept.get(f"unit.{ruler}")
        found[ruler] = values if unit is None else (values - unit[0]) / unit[1]
    return found


def _ends(seen: Training) -> Iterator[tuple[str, np.ndarray]]:
    yield "low", seen.low
    yield "high", seen.high


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def _deviation(vectors: np.ndarray, config: Config) -> np.ndarray:
    if not config.standardise or config.predictor == "images":
        return np.ones(vectors.shape[1])
    deviation = vectors.std(0)
    return np.where(deviation > 1e-6 * max(float(deviation.max(initial=0)), 1e-30), deviation, 1)


def _scaled(kept: Mapping[str, np.ndarray], vectors: np.ndarray) -> np.ndarray:
    if (kept["scale.deviation"] == 1).all():
        return np.asarray(vectors, dtype=np.float64)
    return np.asarray((vectors - kept["scale.mean"]) / kept["scale.deviation"], dtype=np.float64)


def _remains(x: np.ndarray, before: np.ndarray, seen: Training) -> Arrays:
    """How much of what a well had more than others on the first day it has on the last: a slope of each dimension.

    From pairs of both ends, each around its own mean; between 0 and 1, so that chance in few pairs does little harm.
    """
    known = np.isfinite(before).all(1)
    ends = [rows & known for rows in (seen.low_pairs, seen.high) if (rows & known).sum() > 1]
    if not ends:
        return {}
    a, b = (np.concatenate([part[rows] - part[rows].mean(0) for rows in ends]) for part in (before, x))
    slope = (a * b).sum(0) / np.maximum((a * a).sum(0), 1e-12)
    return {"remains.slope": slope.clip(0, 1), "remains.mean": before[known].mean(0)}


def _adjusted(kept: Mapping[str, np.ndarray], x: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """The last day without what remains of the first; a well without a first day stays as it is."""
    if before is None or "remains.slope" not in kept:
        return x
    return np.asarray(x - np.nan_to_num((before - kept["remains.mean"]) * kept["remains.slope"]))


def _classifier(x: np.ndarray, seen: Training) -> Arrays:
    from sklearn.linear_model import LogisticRegression

    chosen = seen.low | seen.high
    model = LogisticRegression(max_iter=500, class_weight="balanced").fit(x[chosen], seen.high[chosen])
    return {"softmax.weight": model.coef_[0], "softmax.bias": model.intercept_}


def _axis(x: np.ndarray, seen: Training) -> Arrays:
    mean = x.mean(0)
    axis = np.linalg.svd(x - mean, full_matrices=False)[2][0]
    # The sign of a principal axis means nothing: the ends of the scale give it one.
    rises = (x[seen.high].mean(0) - x[seen.low].mean(0)) @ axis
    return {"projection.mean": mean, "projection.axis": axis if rises >= 0 else -axis}


def _predictor(x: np.ndarray, before: np.ndarray | None, rows: np.ndarray, config: Config, seed: int) -> Arrays:
    target = x[rows]
    given = target if before is None else before[rows]
    known = np.isfinite(given).all(1)
    given, target = given[known], target[known]
    if len(target) < 2:
        return {}
    if config.predictor == "images":
        from coverslip.methods.rank.network import fit_images

        return fit_images(given, target, config, seed)
    basis: Arrays = {}
    if x.shape[1] > _WIDE[config.predictor] and (before is not None or config.predictor == "mlp"):
        mean = x.mean(0)
        axes = np.linalg.svd(x - mean, full_matrices=False)[2][:_COMPONENTS]
        basis = {"basis": axes, "middle": mean}
        given, target = (given - mean) @ axes.T, (target - mean) @ axes.T
    if config.predictor == "mlp":
        from coverslip.methods.rank.network import fit_network

        return fit_network(given, target, config, seed) | basis
    if before is None:
        mean = target.mean(0)
        axes = np.linalg.svd(target - mean, full_matrices=False)[2][: min(config.bottleneck, len(target) - 1)]
        return {"mean": mean, "axes": axes}
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=np.logspace(-1, 4, 11)).fit(given, target)
    return {"weight": model.coef_, "bias": model.intercept_, **basis}


def _guess(kept: Mapping[str, np.ndarray], prefix: str, x: np.ndarray, before: np.ndarray | None) -> np.ndarray | None:
    """What the predictor of a class expects of each sample; None where it had too few pairs."""
    own = {name.removeprefix(prefix): array for name, array in kept.items() if name.startswith(prefix)}
    if not own:
        return None
    given = x if before is None else before
    basis, middle = own.pop("basis", None), own.pop("middle", None)
    if basis is None or middle is None:
        return _expected(own, given)
    return np.asarray(middle + _expected(own, (given - middle) @ basis.T) @ basis)


def _expected(own: Mapping[str, np.ndarray], given: np.ndarray) -> np.ndarray:
    if "axes" in own:
        return np.asarray(own["mean"] + (given - own["mean"]) @ own["axes"].T @ own["axes"])
    if "weight" in own:
        return np.asarray(given @ own["weight"].T + own["bias"])
    from coverslip.methods.rank.model import run_images, run_network

    return run_images(own, given) if "shape" in own else run_network(own, given)
