"""Fit the probe, and measure it on what it was not fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding, Fitted, track
from coverslip.measure import bootstrap, class_mean, mean
from coverslip.measure.embeddings.folds import stratified
from coverslip.measure.readout import (
    STRENGTHS,
    ReadOut,
    best_temperature,
    finite,
    fit_path,
    log_loss,
    softmax,
    weights_of,
)
from coverslip.measure.threads import few_threads
from coverslip.methods.probe.config import Config
from coverslip.methods.probe.curve import learning_curve
from coverslip.methods.probe.taught import Part, Taught, taught
from coverslip.train.run import Run

_BINS = 10
"""Of confidence, for the calibration error."""


def fit(samples: Embedding, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit a linear classifier to vectors.

    Parameters
    ----------
    samples : Embedding
        Vectors with a column of classes. Rows without a class are left out, and so are those that a column ``split``
        gives to test or validation: on these it is measured then.
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
    given = taught(samples, config)
    train, classes = given.train, len(given.classes)
    with few_threads(train.x.size):
        logits = _out_of_fold(train, classes, config)
        balance = weights_of(train.codes, classes, config.balanced)
        best = int(np.argmin([log_loss(each, train.codes, balance) for each in logits]))
        # Confidences are read of cells as they come, not of classes.
        temperature = best_temperature(logits[best], train.codes, np.ones(len(train.codes)))
        read_out = fit_path(train.x, train.codes, classes, config.balanced)[best]._replace(temperature=temperature)
        if given.test is None:
            probability, scored = softmax(logits[best] / temperature), train
            on = f"{config.folds}-fold cross-validation{'' if train.groups is None else ' by whole groups'}"
        else:
            probability, scored, on = read_out.probability(given.test.x), given.test, "the held-out part of the split"
        measured = _measured(probability, scored, config.seed)
        tables: dict[str, Any] = {"What the probe recognises": _recall(probability, scored, given)}
        curve = learning_curve(given, config)
    if curve:
        tables["Learning curve"] = curve
    facts: dict[str, Any] = {
        "classes": given.classes,
        "labels": len(train.x),
        "inputs": int(train.x.shape[1]),
        "strength": STRENGTHS[best],
        "temperature": round(temperature, 3),
        "measured": measured,
        "said": _said(measured, on),
        "tables": tables,
        **({"warnings": given.notes} if given.notes else {}),
        **_vectors_of(samples),
    }
    return Fitted("probe", config, _arrays(read_out), facts)


def _vectors_of(samples: Embedding) -> dict[str, Any]:
    """Which model made the vectors, where they say so."""
    model = samples.provenance.get("model")
    model = model if isinstance(model, dict) else {}
    told = {name: model[name] for name in ("folder", "weights_sha256", "sphering") if model.get(name)}
    return {"vectors_of": told} if told else {}


def _out_of_fold(train: Part, classes: int, config: Config) -> np.ndarray:
    """Logits of every row by a read-out that was not fitted to it, for each strength: ``(S, N, K)``."""
    groups = train.groups
    if groups is not None and len(np.unique(groups)) < 2:
        groups = None
    units = len(train.x) if groups is None else len(np.unique(groups))
    folds = stratified(train.codes, groups, min(config.folds, units), config.seed)
    found = np.zeros((len(STRENGTHS), len(train.x), classes))
    for inside, outside in track(folds, "Fitting the probe"):
        if len(np.unique(train.codes[inside])) < 2:
            continue  # a single class is left: of these nothing can be said, and all classes are as likely
        for s, read_out in enumerate(fit_path(train.x[inside], train.codes[inside], classes, config.balanced)):
            found[s, outside] = read_out.logits(train.x[outside])
    return found


def _measured(probability: np.ndarray, scored: Part, seed: int) -> dict[str, Any]:
    """What the probe is worth."""
    hits = (probability.argmax(axis=1) == scored.codes).astype(float)
    groups = scored.groups if scored.groups is not None and len(np.unique(scored.groups)) > 1 else None
    balanced = bootstrap(class_mean, hits, scored.codes, groups=groups, seed=seed)
    right = bootstrap(mean, hits, groups=groups, seed=seed)
    confidence = probability.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gap = np.abs(np.bincount(bins, confidence, _BINS) - np.bincount(bins, hits, _BINS)).sum() / len(hits)
    return {
        "balanced_accuracy": [round(v, 4) for v in (balanced.value, balanced.low, balanced.high)],
        "accuracy": [round(v, 4) for v in (right.value, right.low, right.high)],
        "calibration_error": round(float(gap), 4),
    }


def _recall(probability: np.ndarray, scored: Part, given: Taught) -> list[dict[str, Any]]:
    """Of each class the number of labels, and the share that is recognised."""
    hits = probability.argmax(axis=1) == scored.codes
    return [
        {
            "class": name,
            "labels": int((given.train.codes == k).sum()),
            "recognised": round(float(hits[scored.codes == k].mean()), 3) if (scored.codes == k).any() else None,
        }
        for k, name in enumerate(given.classes)
    ]


def _said(measured: dict[str, Any], on: str) -> str:
    value, low, high = measured["balanced_accuracy"]
    return (
        f"Balanced accuracy {value:.3f} [{low:.3f}, {high:.3f}], calibration error {measured['calibration_error']:.3f} "
        f"({on})."
    )


def _arrays(read_out: ReadOut) -> dict[str, np.ndarray]:
    """Weights as they are stored."""
    return {name: np.atleast_1d(values).astype(np.float32) for name, values in finite(read_out)._asdict().items()}
