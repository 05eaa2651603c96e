"""Fit the probe, measure it on what it was not fitted to, and draw its learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding, Fitted, InputError, track
from coverslip.measure import bootstrap, class_mean, mean
from coverslip.measure.embeddings.folds import encode_groups, stratified
from coverslip.measure.inputs import Labels, as_features, encode
from coverslip.measure.threads import few_threads
from coverslip.methods.probe.config import Config
from coverslip.methods.probe.reading import STRENGTHS, ReadOut, best_temperature, fit_path, log_loss
from coverslip.samples.sheets.splits import given_split, usual_groups
from coverslip.train.run import Run

_BINS = 10


def fit(samples: Embedding, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit a linear classifier to vectors.

    Parameters
    ----------
    samples : Embedding
        Vectors with a column of classes. Rows without a class are left
        out, and so are those that a column ``split`` gives to test or validation: on these it is measured then.
    config : Config, optional
        Settings.
    run : Run, optional
        Nothing of it matters here.

    Returns
    -------
    Fitted
        ``facts["measured"]`` says what it is worth on cells it was not fitted to, and the tables hold the recall of
        each class and the learning curve.

    Raises
    ------
    InputError
        If there is no such column, or fewer than two classes of at least two cells.
    """
    config = config or Config()
    x, labels, held_out, groups, notes = _taught(samples, config)
    balance = _weights(labels.codes, len(labels.classes), config.balanced)
    with few_threads(x.size):
        logits = _out_of_fold(x, labels, groups, config)
        losses = [log_loss(each, labels.codes, balance) for each in logits]
        best = int(np.argmin(losses))
        temperature = best_temperature(logits[best], labels.codes, balance)
        read_out = fit_path(x, labels.codes, len(labels.classes), config.balanced)[best]._replace(
            temperature=temperature
        )
        tables: dict[str, Any] = {}
        if held_out is not None:
            test_x, test_codes, test_groups = held_out
            scored = read_out.probability(test_x)
            on = "held-out cells of the split"
        else:
            scored, test_codes, test_groups = _softened(logits[best], temperature), labels.codes, groups
            on = f"{config.folds}-fold cross-validation" + (
                f" by {config.group or 'group'}" if groups is not None else ""
            )
        measured, recall = _measured(scored, test_codes, test_groups, labels, config.seed)
        tables["What the probe recognises"] = recall
        if config.curve:
            curve = _curve(x, labels, groups, held_out, config)
            if curve:
                tables["Learning curve"] = curve
    facts: dict[str, Any] = {
        "classes": labels.names,
        "labels": len(x),
        "inputs": int(x.shape[1]),
        "strength": STRENGTHS[best],
        "temperature": round(temperature, 3),
        "measured_on": on,
        "measured": measured,
        "said": _said(measured, on),
        "tables": tables,
        **({"warnings": notes} if notes else {}),
    }
    return Fitted("probe", config, _arrays(read_out), facts)


def _taught(
    samples: Embedding, config: Config
) -> tuple[np.ndarray, Labels, tuple[np.ndarray, np.ndarray, np.ndarray | None] | None, Any, list[str]]:
    """Vectors and classes to learn from, what is held out, groups, and what a user should know."""
    obs = samples.obs
    for name in filter(None, (config.label, config.group)):
        if name not in obs:
            raise InputError(
                f"There is no column '{name}' to learn from; name one of {', '.join(obs)} (--set label=NAME), or label "
                "clusters first (coverslip label)."
            )
    words = np.array(["" if v is None or v != v else str(v) for v in obs[config.label]], dtype=object)
    known = words != ""
    if not known.any():
        raise InputError(f"The column '{config.label}' is empty; label some cells first (coverslip label).")
    x = as_features(samples.latent, "vectors")
    parts = given_split(obs, len(samples))
    train = known.copy()
    test = np.zeros(len(x), bool)
    if parts is not None and known[parts["train"]].any():
        held = parts["test"] if len(parts["test"]) else parts["val"]
        train[:] = False
        train[parts["train"]] = known[parts["train"]]
        test[held] = known[held]
    notes = []
    kinds, counts = np.unique(words[train].astype(str), return_counts=True)
    single = kinds[counts < 2].tolist()
    if single:
        train &= ~np.isin(words.astype(str), single)
        notes.append(f"Classes with a single label are not learned: {', '.join(single)}.")
    if len(kinds) - len(single) < 2:
        raise InputError(
            f"A probe tells classes apart, and the column '{config.label}' holds fewer than two with at least two "
            "labelled cells; name more."
        )
    rows = np.flatnonzero(train)
    labels = encode(words[rows].astype(str))
    test &= np.isin(words.astype(str), labels.names)
    by = config.group or usual_groups(obs)
    groups = encode_groups(np.asarray(obs[by]).astype(str), len(x)) if by else None
    held_out = None
    if test.any():
        place = {kind: code for code, kind in enumerate(labels.names)}
        codes = np.array([place[word] for word in words[test]])
        held_out = x[test], codes, None if groups is None else groups[test]
    return x[rows], labels, held_out, None if groups is None else groups[rows], notes


def _out_of_fold(x: np.ndarray, labels: Labels, groups: np.ndarray | None, config: Config) -> np.ndarray:
    """Logits of every row by a read-out that was not fitted to it, for each strength: ``(S, N, K)``."""
    found = np.zeros((len(STRENGTHS), len(x), len(labels.classes)))
    whole = None
    if groups is not None and len(np.unique(groups)) < 2:
        groups = None
    folds = min(config.folds, len(x) if groups is None else len(np.unique(groups)), int(labels.counts.max()))
    for train, test in track(list(stratified(labels.codes, groups, folds, config.seed)), "Fitting the probe"):
        if len(np.unique(labels.codes[train])) < 2:
            whole = whole or fit_path(x, labels.codes, len(labels.classes), config.balanced)
            path = whole
        else:
            path = fit_path(x[train], labels.codes[train], len(labels.classes), config.balanced)
        for s, read_out in enumerate(path):
            found[s, test] = read_out.logits(x[test])
    return found


def _said(measured: dict[str, Any], on: str) -> str:
    value, low, high = measured["balanced_accuracy"]
    return (
        f"Balanced accuracy {value:.3f} [{low:.3f}, {high:.3f}], calibration error {measured['calibration_error']:.3f} "
        f"({on})."
    )


def _weights(codes: np.ndarray, classes: int, balanced: bool) -> np.ndarray:
    """Of each row, so that classes count equally."""
    return 1 / np.bincount(codes, minlength=classes)[codes] if balanced else np.ones(len(codes))


def _softened(logits: np.ndarray, temperature: float) -> np.ndarray:
    from coverslip.methods.probe.reading import softmax

    return softmax(logits / temperature)


def _measured(
    probability: np.ndarray, codes: np.ndarray, groups: np.ndarray | None, labels: Labels, seed: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the probe is worth, and the recall of each class."""
    hits = (probability.argmax(axis=1) == codes).astype(float)
    confidence = probability.max(axis=1)
    if groups is not None and len(np.unique(groups)) < 2:
        groups = None
    balanced = bootstrap(class_mean, hits, codes, groups=groups, seed=seed)
    right = bootstrap(mean, hits, groups=groups, seed=seed)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gap = np.abs(np.bincount(bins, confidence, _BINS) - np.bincount(bins, hits, _BINS)).sum() / len(hits)
    measured = {
        "balanced_accuracy": [round(v, 4) for v in (balanced.value, balanced.low, balanced.high)],
        "accuracy": [round(v, 4) for v in (right.value, right.low, right.high)],
        "calibration_error": round(float(gap), 4),
    }
    recall = [
        {
            "class": name,
            "labels": int(labels.counts[k]),
            "recognised": round(float(hits[codes == k].mean()), 3) if (codes == k).any() else None,
        }
        for k, name in enumerate(labels.names)
    ]
    return measured, recall


def _curve(
    x: np.ndarray,
    labels: Labels,
    groups: np.ndarray | None,
    held_out: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None,
    config: Config,
) -> list[dict[str, Any]]:
    """Balanced accuracy by the number of labels of each class."""
    rng = np.random.default_rng(config.seed)
    pairs = list(stratified(labels.codes, groups, 3, config.seed)) if held_out is None else []
    found = []
    for count in track(sorted(set(config.curve)), "Learning curve"):
        if count > labels.counts.max():
            break
        scores, used = [], 0
        for draw in range(config.draws):
            pool, (test_x, test_codes) = np.arange(len(x)), (held_out or (x, labels.codes))[:2]
            if held_out is None:
                pool, test = pairs[draw % len(pairs)]
                test_x, test_codes = x[test], labels.codes[test]
            drawn = [rng.permutation(pool[labels.codes[pool] == k])[:count] for k in range(len(labels.classes))]
            some = np.concatenate(drawn)
            if len(np.unique(labels.codes[some])) < 2:
                continue
            used = max(used, len(some))
            hits = _few(x[some], labels.codes[some], len(labels.classes), config).logits(test_x).argmax(1) == test_codes
            scores.append(class_mean(hits.astype(float), test_codes))
        if scores:
            found.append(
                {
                    "labels of each class": count,
                    "labels": used,
                    "balanced accuracy": round(float(np.mean(scores)), 3),
                    "least": round(float(np.min(scores)), 3),
                    "most": round(float(np.max(scores)), 3),
                    "draws": len(scores),
                }
            )
    return found


def _few(x: np.ndarray, codes: np.ndarray, classes: int, config: Config) -> ReadOut:
    """A read-out of a few labels, its strength chosen on them."""
    path = fit_path(x, codes, classes, config.balanced)
    smallest = int(np.bincount(codes).max())
    if smallest < 2:
        return path[1]  # one of each: nothing can be held out
    losses = np.zeros(len(STRENGTHS))
    for train, test in stratified(codes, None, min(3, smallest), config.seed):
        if len(np.unique(codes[train])) < 2:
            continue
        weight = _weights(codes[test], classes, config.balanced)
        for s, read_out in enumerate(fit_path(x[train], codes[train], classes, config.balanced)):
            losses[s] += log_loss(read_out.logits(x[test]), codes[test], weight)
    return path[int(np.argmin(losses))]


def _arrays(read_out: ReadOut) -> dict[str, np.ndarray]:
    named = read_out._asdict()
    named["temperature"] = np.array([read_out.temperature])
    # A latent that never varied says nothing: its weight is 0, and no infinity is stored.
    dead = ~np.isfinite(read_out.scale)
    named["scale"] = np.where(dead, 1.0, read_out.scale)
    named["weights"] = np.where(dead, 0.0, read_out.weights)
    return {name: np.asarray(values, dtype=np.float32) for name, values in named.items()}
