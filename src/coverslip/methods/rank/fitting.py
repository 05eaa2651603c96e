"""Fitting the strategies, each part of the plates held out in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding, Fitted, InputError, track
from coverslip.core.words import number_of
from coverslip.methods.rank.config import Config
from coverslip.methods.rank.plates import plate_shifts, too_few_controls
from coverslip.methods.rank.rows import Rows, read_rows
from coverslip.methods.rank.strategies import Training, fit_strategies

FEW_PAIRS = 50


def fit(samples: Embedding, config: Config | None = None, run: Any = None) -> Fitted:
    """Fit the scales.

    A column ``split`` is honoured: the strategies are fitted to its training part. Without one, plates (or other
    groups, or single wells) are held out in `folds` parts, and each is scored by what was fitted to the others.

    Parameters
    ----------
    samples : Embedding
        Vectors with a column of classes; with ``plate``, ``well`` and ``day`` also the pairs of days.
    config : Config, optional
    run : coverslip.train.Run, optional
        Not used: it is quick.

    Returns
    -------
    Fitted
        Weights ``fold.restart.scale.*``; facts ``folds`` (which part a plate or
        other group was held out with; or rows that all fits have seen, as -1),
        ``fitted_on`` (samples of each class), ``anchors``, ``width``.

    Raises
    ------
    InputError
        If an end of the scale has fewer than two samples.
    """
    config = config or Config()
    rows = read_rows(samples, config)
    counts = _counts(rows, config)
    vectors = samples.latent.astype(np.float64)
    if config.predictor == "images" and np.prod(config.shape) != vectors.shape[1]:
        raise InputError(
            f"Images of {' x '.join(map(str, config.shape))} have {np.prod(config.shape)} pixels, and these vectors "
            f"{vectors.shape[1]} numbers; predictor=images is for vectors that are pixels."
        )
    zeros, warnings = np.zeros((2, vectors.shape[1])), list(rows.notes)
    if config.controls == "same_day":
        shifts, zeros, without = plate_shifts(vectors, rows, config.anchors[0])
        vectors = vectors - shifts
        warnings += too_few_controls(without, config)
    elif config.controls == "first_day" and rows.paired:
        warnings.append(
            "The zero of the scale is the first day: what the days do alone, also without a drug, counts as an effect."
        )
    folds, fold_of = _folds(samples, rows, config)
    weights: dict[str, np.ndarray] = {"zeros": zeros.astype(np.float32)}
    for fold, train in track(folds, "Fitting scales"):
        for restart in range(config.restarts):
            for scale, anchor in enumerate(config.anchors[1:]):
                rng = np.random.default_rng((config.seed, fold, restart, scale))
                seen = _training(vectors, rows, config, anchor, train, restart, rng)
                found = fit_strategies(seen, config, int(rng.integers(2**31)))
                weights |= {f"{fold}.{restart}.{scale}.{name}": array for name, array in found.items()}
    pairs = {name: n for name, n in counts["pairs"].items() if name in config.anchors[:2]}
    if rows.paired and "prediction" in config.strategies and min(pairs.values()) < FEW_PAIRS:
        listed = ", ".join(f"{n} of '{name}'" for name, n in pairs.items())
        warnings.append(f"Few pairs of days to predict from: {listed}; scores by prediction are rough.")
    facts = {
        "width": vectors.shape[1],
        "anchors": list(config.anchors),
        "folds": fold_of,
        "parts": len(folds),
        "fitted_on": counts["samples"],
        "pairs": counts["pairs"] if rows.paired else {},
        "warnings": warnings,
    }
    return Fitted("rank", config, weights, facts)


def _counts(rows: Rows, config: Config) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {"samples": {}, "pairs": {}}
    for anchor in config.anchors:
        here = rows.zero(config) if anchor == config.anchors[0] else rows.ends(config, anchor)
        if here.sum() < 2:
            there = ", ".join(dict.fromkeys(filter(None, rows.classes[rows.last].tolist()))) or "none"
            day = " of the last day" if rows.paired else ""
            raise InputError(
                f"The class '{anchor}' has {number_of(int(here.sum()), 'sample')}{day}, and an end of the scale needs "
                f"2 or more; name classes of the column '{config.label}' with --set anchors=LOW,HIGH (there are: "
                f"{there})."
            )
        found["samples"][anchor] = int(here.sum())
        found["pairs"][anchor] = int(((rows.classes == anchor) & rows.last & (rows.before >= 0)).sum())
    return found


def _folds(samples: Embedding, rows: Rows, config: Config) -> tuple[list[tuple[int, np.ndarray]], dict[str, int]]:
    """Training rows of each part, and which part a unit was held out with."""
    from coverslip.samples import given_split

    obs = {
        str(name): np.asarray(samples.adata.obs[name]).astype(str) for name in ("split",) if name in samples.adata.obs
    }
    given = given_split(obs, len(samples))
    if given is not None and len(given["train"]):
        train = np.zeros(len(samples), bool)
        train[given["train"]] = True
        return [(0, train)], dict.fromkeys(map(str, rows.keys[train]), -1)
    units = np.unique(rows.units.astype(str))
    rng = np.random.default_rng(config.seed)
    count = min(config.folds, len(units))
    if count < 2:
        return [(0, np.ones(len(samples), bool))], dict.fromkeys(map(str, rows.keys), -1)
    first = {str(unit): str(cls) for unit, cls in zip(rows.units[::-1], rows.classes[::-1], strict=True)}
    mixed = units[rng.permutation(len(units))]
    dealt = sorted(mixed.tolist(), key=lambda unit: first[unit])  # stable: each class is dealt out evenly
    fold_of = {unit: i % count for i, unit in enumerate(dealt)}
    held = np.array([fold_of[str(unit)] for unit in rows.units])
    return [(fold, held != fold) for fold in range(count)], fold_of


def _training(
    vectors: np.ndarray,
    rows: Rows,
    config: Config,
    anchor: str,
    train: np.ndarray,
    restart: int,
    rng: np.random.Generator,
) -> Training:
    zero, high = rows.zero(config), rows.ends(config, anchor)
    chosen = np.flatnonzero(train & (rows.last | zero))
    if restart:
        drawn = rng.choice(chosen, len(chosen))
        chosen = drawn if min(zero[drawn].sum(), high[drawn].sum()) >= 2 else chosen
    if min(zero[chosen].sum(), high[chosen].sum()) < 2:
        raise InputError(
            f"With one part held out, fewer than two samples of '{config.anchors[0]}' or '{anchor}' are left; put both "
            "ends on several plates, hold out single wells (--set group=well), or give a column 'split'."
        )
    before = None
    if rows.paired:
        before = np.where((rows.before[chosen] >= 0)[:, None], vectors[rows.before[chosen]], np.nan)
    low_pairs = (rows.classes[chosen] == config.anchors[0]) & rows.last[chosen]
    return Training(vectors[chosen], zero[chosen], high[chosen], before, low_pairs)
