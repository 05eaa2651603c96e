"""Scoring samples along the fitted scales."""

from __future__ import annotations

import numpy as np

from coverslip.core import Embedding, Fitted, InputError, Ranking, free_name
from coverslip.measure import against_controls, pairwise_auroc
from coverslip.methods.rank.config import Config
from coverslip.methods.rank.plates import plate_shifts, too_few_controls
from coverslip.methods.rank.rows import Rows, read_rows
from coverslip.methods.rank.strategies import score_strategies

_TAILS = (0.025, 0.975)

_RIM = (-3.0, 4.0)
"""Further outside of the scale than this, a single strategy does not pull the mean."""


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
    vectors, without = samples.latent.astype(np.float64), list[str]()
    if config.controls == "same_day":
        shifts, _, without = plate_shifts(vectors, rows, config.anchors[0], fitted.weights["zeros"])
        vectors = vectors - shifts
    part, how = _parts(fitted, rows)
    ranked = rows.last | rows.zero(config)
    scales: dict[str, np.ndarray] = {}
    ours: dict[str, np.ndarray] = {}
    told: dict[str, float] = {}
    for scale, anchor in enumerate(config.anchors[1:]):
        by_ruler = _refits(fitted, config, scale, vectors, rows, part, ranked)
        by_ruler = {name: _measured(values, rows, config, anchor) for name, values in by_ruler.items()}
        ends = _judges(rows, config, anchor, how)
        by_strategy = _by_strategy(by_ruler, *ends)
        aurocs = {name: _told_apart(values, *ends) for name, values in by_strategy.items()}
        suffix = "" if scale == 0 else f"_{anchor}"
        score = _mean([values.mean(0) for values in by_strategy.values()], list(aurocs.values()))
        told |= {f"{name}{suffix}": auroc for name, auroc in aurocs.items()}
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
        "controls_auroc": told,
        "weights": {name: _weight(auroc) for name, auroc in told.items()},
        "pairs": dict(fitted.facts.get("pairs") or {}) if rows.paired else {},
        "notes": list(dict.fromkeys([*rows.notes, *too_few_controls(without, config), *fitted.warnings])),
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


def _judges(rows: Rows, config: Config, anchor: str, how: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The controls that say how much a scale counts: those that its fit had not seen, where there are enough."""
    low, high = rows.zero(config), rows.ends(config, anchor)
    unseen = how != "in the fit"
    enough = min((low & unseen).sum(), (high & unseen).sum()) >= 2
    return (low & unseen, high & unseen) if enough else (low, high)


def _measured(refits: np.ndarray, rows: Rows, config: Config, anchor: str) -> np.ndarray:
    """Each refit's scores against the controls."""
    plates = rows.plates if config.controls == "same_day" else np.full(len(rows.plates), "", object)
    low, high = rows.zero(config), rows.ends(config, anchor)
    return np.stack([against_controls(values, plates, low, high) for values in refits])


def _told_apart(refits: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """How well scores ``(restarts, N)`` tell the controls apart: AUROC; .5 where there are too few."""
    score = refits.mean(0)
    known = np.isfinite(score)
    if min((known & low).sum(), (known & high).sum()) < 2:
        return 0.5
    chosen = known & (low | high)
    return float(pairwise_auroc(score[chosen], high[chosen].astype(int), (0, 1))["0", "1"])


def _weight(auroc: float) -> float:
    """What a scale counts: nothing where it does not tell the controls apart, 1 where it always does."""
    return max(0.0, 2 * auroc - 1) ** 2


def _by_strategy(by_ruler: dict[str, np.ndarray], low: np.ndarray, high: np.ndarray) -> dict[str, np.ndarray]:
    """The mean of the rulers of each strategy, weighted by how they tell the controls apart, ``(restarts, N)``."""
    grouped: dict[str, list[np.ndarray]] = {}
    for ruler, values in by_ruler.items():
        grouped.setdefault(ruler.split("/")[0], []).append(values)
    return {name: _mean(values, [_told_apart(v, low, high) for v in values]) for name, values in grouped.items()}


def _mean(scores: list[np.ndarray], aurocs: list[float]) -> np.ndarray:
    """The weighted mean of those that have a score; single ones far outside the scale count as at its rim."""
    weights = np.array([_weight(auroc) for auroc in aurocs]) + 1e-6
    stacked = np.stack(scores)
    shape = (-1,) + (1,) * (stacked.ndim - 1)
    known = np.where(np.isfinite(stacked), weights.reshape(shape), 0.0)
    total = known.sum(0)
    clipped = np.clip(np.nan_to_num(stacked), *_RIM) if len(scores) > 1 else np.nan_to_num(stacked)
    return np.where(total > 0, (clipped * known).sum(0) / np.where(total > 0, total, 1), np.nan)


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
