"""Scoring samples along the fitted scales."""

from __future__ import annotations

import numpy as np

from coverslip.core import Embedding, Fitted, InputError, Ranking, free_name
from coverslip.measure import against_controls
from coverslip.methods.rank.config import Config
from coverslip.methods.rank.plates import plate_shifts
from coverslip.methods.rank.rows import Rows, read_rows
from coverslip.methods.rank.strategies import score_strategies

_TAILS = (0.025, 0.975)


def predict(fitted: Fitted, samples: Embedding, *, device: str = "auto") -> Ranking:
    """Score samples and put them in order.

    A sample that was held out in the fit is scored by what was fitted without it, a new one by all fits; one that
    every fit has seen is scored, too, and ``scored`` says so. Scores are parts of the way from the low to the high
    controls of the same plate.

    Parameters
    ----------
    fitted : Fitted
    samples : Embedding
        With the columns of the fit.
    device : str
        Not used.

    Returns
    -------
    Ranking
        Of single samples; whoever writes it adds the treatments.

    Raises
    ------
    InputError
        If the vectors have another length than those of the fit.
    """
    config = fitted.config
    assert isinstance(config, Config)
    if samples.latent.shape[1] != fitted.facts["width"]:
        raise InputError(
            f"These vectors have {samples.latent.shape[1]} dimensions, and the scales were fitted to "
            f"{fitted.facts['width']}; embed the samples with the same model."
        )
    rows = read_rows(samples, config)
    vectors = samples.latent.astype(np.float64)
    if config.controls == "same_day":
        vectors = vectors - plate_shifts(vectors, rows, config.anchors[0], fitted.weights["zeros"])[0]
    part, how = _parts(fitted, rows)
    ranked = rows.last | rows.zero(config)
    scales: dict[str, np.ndarray] = {}
    ours: dict[str, np.ndarray] = {}
    for scale, anchor in enumerate(config.anchors[1:]):
        by_ruler = _refits(fitted, config, scale, vectors, rows, part, ranked)
        by_ruler = {name: _measured(values, rows, config, anchor) for name, values in by_ruler.items()}
        by_strategy = _by_strategy(by_ruler)
        suffix = "" if scale == 0 else f"_{anchor}"
        score = _median(np.stack([values.mean(0) for values in by_strategy.values()]))
        ours |= {f"score{suffix}": score, **_ranks(score, by_strategy, suffix)}
        ours |= {f"score_{name}{suffix}": values.mean(0) for name, values in by_strategy.items()}
        tag = "" if scale == 0 else f"{anchor}: "
        scales |= {tag + _said(name, config.anchors[0], anchor): values.mean(0) for name, values in by_ruler.items()}
    ours |= {"role": rows.roles(config), "scored": np.where(ranked, how, "no").astype(object)}
    ours["nearest"] = _nearest(vectors, rows, config, fitted, ranked)
    given = {str(name): np.asarray(samples.adata.obs[name]) for name in samples.adata.obs.columns}
    names = {name: free_name(name, given) for name in ours}
    facts = {
        "anchors": list(config.anchors),
        "label": config.label,
        "columns": names,
        "strategies": list(config.strategies),
        "rulers": list(scales),
        "pairs": dict(fitted.facts.get("pairs") or {}) if rows.paired else {},
        "notes": list(dict.fromkeys([*rows.notes, *fitted.warnings])),
    }
    return Ranking({**given, **{names[name]: column for name, column in ours.items()}}, scales, facts=facts)


def _nearest(vectors: np.ndarray, rows: Rows, config: Config, fitted: Fitted, ranked: np.ndarray) -> np.ndarray:
    """For each sample the control, of either end, whose vector is nearest; -1 for none."""
    scale = fitted.weights["0.0.0.scale.deviation"].astype(np.float64)
    control = rows.zero(config)
    for anchor in config.anchors[1:]:
        control |= rows.ends(config, anchor)
    places = np.flatnonzero(control)
    found = np.full(len(vectors), -1)
    x = vectors / scale
    for row in np.flatnonzero(ranked):
        others = places[places != row]
        if len(others):
            found[row] = others[((x[others] - x[row]) ** 2).sum(1).argmin()]
    return found


def _parts(fitted: Fitted, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The part that each row was held out with, -1 for none; and how that makes its score."""
    folds, alone = fitted.facts["folds"], int(fitted.facts["parts"]) == 1
    found = [folds.get(str(name)) for name in (rows.keys if alone else rows.units)]
    part = np.array([-1 if fold is None else int(fold) for fold in found])
    new = "held out" if alone else "new"
    how = [new if fold is None else "in the fit" if fold < 0 else "held out" for fold in found]
    return part, np.array(how, object)


def _refits(
    fitted: Fitted,
    config: Config,
    scale: int,
    vectors: np.ndarray,
    rows: Rows,
    part: np.ndarray,
    ranked: np.ndarray,
) -> dict[str, np.ndarray]:
    """Scores by ruler, ``(restarts, N)``, NaN for rows that are not ranked."""
    before = None
    if rows.paired:
        before = np.where((rows.before >= 0)[:, None], vectors[rows.before], np.nan)
    parts = int(fitted.facts["parts"])
    found: dict[str, np.ndarray] = {}
    for restart in range(config.restarts):
        for fold in range(parts):
            prefix = f"{fold}.{restart}.{scale}."
            kept = {name.removeprefix(prefix): a for name, a in fitted.weights.items() if name.startswith(prefix)}
            for ruler, values in score_strategies(kept, vectors, before, config).items():
                into = found.setdefault(ruler, np.zeros((config.restarts, len(values))))
                into[restart] += np.where(part == fold, values, np.where(part < 0, values / parts, 0))
    return {ruler: np.where(ranked, values, np.nan) for ruler, values in found.items()}


def _measured(refits: np.ndarray, rows: Rows, config: Config, anchor: str) -> np.ndarray:
    """Each refit's scores against the controls."""
    plates = rows.plates if config.controls == "same_day" else np.full(len(rows.plates), "", object)
    low, high = rows.zero(config), rows.ends(config, anchor)
    return np.stack([against_controls(values, plates, low, high) for values in refits])


def _by_strategy(by_ruler: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The mean of the rulers of each strategy, ``(restarts, N)``."""
    grouped: dict[str, list[np.ndarray]] = {}
    for ruler, values in by_ruler.items():
        grouped.setdefault(ruler.split("/")[0], []).append(values)
    return {name: np.mean(values, axis=0) for name, values in grouped.items()}


def _median(scores: np.ndarray) -> np.ndarray:
    """The median of the strategies that have a score, ``(S, N)`` to ``(N,)``."""
    known = np.isfinite(scores).any(axis=0)
    found = np.full(scores.shape[1], np.nan)
    found[known] = np.nanmedian(scores[:, known], axis=0)
    return found


def _ranks(score: np.ndarray, by_strategy: dict[str, np.ndarray], suffix: str) -> dict[str, np.ndarray]:
    """Ranks from 1, and how far they go over refits and strategies."""
    known = np.isfinite(score)
    rank = _ranked(score, known)
    each = np.concatenate(list(by_strategy.values()))
    each = np.where(np.isfinite(each), each, score)  # where a strategy has none, the others decide
    ranks = np.stack([_ranked(values, known) for values in each])
    low, high = np.quantile(ranks, _TAILS, axis=0)
    return {
        f"rank{suffix}": rank,
        f"rank_low{suffix}": np.minimum(np.floor(low), rank).astype(int),
        f"rank_high{suffix}": np.maximum(np.ceil(high), rank).astype(int),
    }


def _ranked(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    found = np.zeros(len(values), dtype=int)
    order = np.flatnonzero(known)[np.argsort(values[known], kind="stable")]
    found[order] = np.arange(1, len(order) + 1)
    return found


def _said(ruler: str, low: str, high: str) -> str:
    """``centroid/cosine/low`` as words."""
    strategy, *rest = ruler.split("/")
    if not rest:
        return strategy
    return f"{strategy}, {rest[0]} from {low if rest[1] == 'low' else high}"
