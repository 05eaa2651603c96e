"""The learning curve of the probe: what more labels would bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import track
from coverslip.measure import class_mean
from coverslip.measure.embeddings.folds import stratified
from coverslip.measure.readout import STRENGTHS, ReadOut, fit_path, log_loss, weights_of
from coverslip.methods.probe.config import Config
from coverslip.methods.probe.taught import Taught

_PARTS = 3
"""One of so many parts is held out where no split holds out anything."""


def learning_curve(given: Taught, config: Config) -> list[dict[str, Any]]:
    """Balanced accuracy by the number of labels of each class.

    Parameters
    ----------
    given : Taught
        What is learned from.
    config : Config
        Sizes and draws.

    Returns
    -------
    list of dict
        A row per size, up to the largest class: the mean over the draws, and the least and most of them.
    """
    train, classes = given.train, len(given.classes)
    rng = np.random.default_rng(config.seed)
    folds = list(stratified(train.codes, train.groups, _PARTS, config.seed)) if given.test is None else []
    found = []
    sizes = [count for count in sorted(set(config.curve)) if count <= np.bincount(train.codes).max()]
    for count in track(sizes, "Learning curve"):
        scores, used = [], 0
        for draw in range(config.draws):
            pool, test = np.arange(len(train.x)), given.test
            if test is None:
                pool, rows = folds[draw % len(folds)]
                test = train.rows(rows)
            of_each = [rng.permutation(pool[train.codes[pool] == code])[:count] for code in range(classes)]
            some = train.rows(np.concatenate(of_each))
            if len(np.unique(some.codes)) < 2:
                continue
            used = max(used, len(some.x))
            hits = _of_few(some.x, some.codes, classes, config).logits(test.x).argmax(axis=1) == test.codes
            scores.append(class_mean(hits.astype(float), test.codes))
        if scores:
            row = {"balanced accuracy": np.mean(scores), "least": np.min(scores), "most": np.max(scores)}
            rounded = {name: round(float(value), 3) for name, value in row.items()}
            found.append({"labels of each class": count, "labels": used, **rounded, "draws": len(scores)})
    return found


def _of_few(x: np.ndarray, codes: np.ndarray, classes: int, config: Config) -> ReadOut:
    """A read-out of a few labels, its strength chosen on them."""
    path = fit_path(x, codes, classes, config.balanced)
    most = int(np.bincount(codes).max())
    if most < 2:
        return path[1]  # one of each: nothing can be held out
    losses = np.zeros(len(STRENGTHS))
    for train, test in stratified(codes, None, min(3, most), config.seed):
        if len(np.unique(codes[train])) < 2:
            continue
        weight = weights_of(codes[test], classes, config.balanced)
        for s, read_out in enumerate(fit_path(x[train], codes[train], classes, config.balanced)):
            losses[s] += log_loss(read_out.logits(x[test]), codes[test], weight)
    return path[int(np.argmin(losses))]
