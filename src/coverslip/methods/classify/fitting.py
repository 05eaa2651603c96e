"""Fit a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import Fitted, InputError, Samples
from coverslip.methods.classify.beginning import begun, trunk_facts
from coverslip.methods.classify.calibration import ENOUGH, oddness, softmax, temperature
from coverslip.methods.classify.cautions import warnings_of
from coverslip.methods.classify.config import SHALLOW, Config
from coverslip.methods.classify.inference import (
    CENTRES,
    HELD_CODES,
    HELD_OUT,
    codes_of,
    preparation,
)
from coverslip.methods.classify.model import Classifier
from coverslip.methods.classify.rules import named_centres, nearness
from coverslip.methods.classify.shallow import fit_shallow
from coverslip.methods.classify.task import Task, task_of
from coverslip.methods.classify.training import trained
from coverslip.nn.device import choose_device
from coverslip.samples.opening.normalise import Normaliser
from coverslip.samples.sheets.splits import group_codes, usual_groups
from coverslip.train.loop import Outcome
from coverslip.train.run import Run

_BETTER = 0.05
"""By so much softmax must be right more often than the nearest centre before that is said."""


def fit(
    samples: Samples, config: Config | None = None, run: Run | None = None, *, start: Fitted | None = None
) -> Fitted:
    """Fit a classifier to labelled images.

    Parameters
    ----------
    samples : Samples
        Equally shaped images ``(N, C, H, W)`` with a column of classes; a ``split`` column (train, val, test) is
        honoured, else part of them is held out to stop and to calibrate, whole groups where there are any.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, memory, checkpoint folder.
    start : Fitted, optional
        The model that `Config.start` names.

    Returns
    -------
    Fitted
        ``facts`` holds the classes, the input shape, the normaliser, the temperature, where the weights began, and
        warnings.

    Raises
    ------
    InputError
        If there is no such column, a class has no training image, there are fewer than two classes, or the start does
        not fit.
    """
    config, run = config or Config(), run or Run()
    if config.start not in ("random", "imagenet") and start is None:
        raise InputError(f"The start '{config.start}' is a model that must be handed over; fit with coverslip.fit.")
    task = task_of(samples, config)
    trunk = None if start is None else trunk_facts(start, samples)
    normaliser = _normaliser(task.training, config, start)
    prepare = preparation(normaliser, config.size)
    model, began = begun(task, config, start, trunk, prepare)
    crossed, against = None, ""
    if config.network in SHALLOW:
        parts = (task.training, task.held_out, task.codes)
        outcome, crossed = fit_shallow(model, *parts, prepare, _groups(task), config, run)
    else:
        outcome = trained(model, task, config, run, prepare, "fit")
    weights = dict(outcome.weights)
    facts: dict[str, Any] = {
        "classes": list(task.classes),
        "shape": list(samples.shape),
        "channels": list(samples.channels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "normaliser": normaliser.to_dict(),
        "split_by": task.split_by,
        "start": began,
        **outcome.facts,
    }
    if trunk is not None:
        facts["trunk"] = trunk
    if crossed is not None:
        facts["temperature"] = _calibrated(crossed.logits, crossed.codes, weights, np.float64)
        weights |= crossed.weights
    else:
        facts["temperature"], against = _calibrate(model, task, config, run, prepare, weights)
    calibrating = weights.get(HELD_CODES, task.codes[:0])
    counts = np.bincount(calibrating, minlength=len(task.classes))
    # Of classes with fewer nothing is promised by themselves.
    facts["calibrating"] = {
        name: int(n) if n >= ENOUGH else 0 for name, n in zip(task.classes, counts.tolist(), strict=True)
    }
    facts["warnings"] = [*warnings_of(task, config, outcome, calibrating), *([against] if against else [])]
    if config.retrain and config.network not in SHALLOW and len(task.split["val"]):
        weights |= _retrained(task, config, start, trunk, run, prepare, outcome)
    return Fitted("classify", config, weights, facts, outcome.history)


def _normaliser(training: Samples, config: Config, start: Fitted | None) -> Normaliser:
    if start is not None:
        return Normaliser.from_dict(start.facts["normaliser"])
    low, high = config.percentiles
    return Normaliser.fit(training, kind=config.normalise, low=low, high=high, seed=config.seed)


def _calibrate(
    model: Classifier,
    task: Task,
    config: Config,
    run: Run,
    prepare: Callable[..., np.ndarray],
    weights: dict[str, Any],
) -> tuple[float, str]:
    """Find the rule, the temperature, and how odd held-out images look; what are arrays goes among the weights.

    With the temperature comes a sentence on the rule, where the held-out images speak against it.
    """
    device = choose_device(run.device)
    model = model.to(device)
    if config.by_centres:
        _, z = codes_of(model, task.training, prepare, device, "Finding centres")
        labels = task.codes[task.split["train"]]
        weights[CENTRES] = _centres(z, labels, task, config)
    held = task.codes[task.split["val"]]
    if not len(held):
        return 1.0, ""
    _, z = codes_of(model, task.held_out, prepare, device, "Calibrating")
    if not config.by_centres:
        return _calibrated(z, held, weights), ""
    near = nearness(z, weights[CENTRES])
    mine, other = (float((each.argmax(1) == held).mean()) for each in (near, z))
    said = (
        f"The nearest centre is right for {mine:.1%} of the held-out images, and the largest output would be for "
        f"{other:.1%}: consider rule=softmax."
    )
    return _calibrated(near, held, weights), said if other > mine + _BETTER else ""


def _centres(codes: np.ndarray, labels: np.ndarray, task: Task, config: Config) -> np.ndarray:
    """The named centres of training codes; of unequal classes as the settings say."""
    return named_centres(codes, labels, len(task.classes), balanced=config.imbalance != "none")


def _calibrated(
    logits: np.ndarray, codes: np.ndarray, weights: dict[str, Any], kind: type[np.floating[Any]] = np.float32
) -> float:
    """The temperature that images which no fit has seen ask for; how odd they look goes among the weights.

    Probabilities are rounded to `kind`, as those are that they will be compared with.
    """
    found = temperature(logits, codes)
    odd = oddness(softmax(logits / found).astype(kind))
    weights[HELD_OUT], weights[HELD_CODES] = odd[np.arange(len(codes)), codes], codes
    return found


def _groups(task: Task) -> np.ndarray | None:
    """The groups of the samples, by number; None where there are none."""
    by = usual_groups(task.samples.obs)
    return None if by is None else group_codes(task.samples.obs[by])


def _retrained(
    task: Task,
    config: Config,
    start: Fitted | None,
    trunk: dict[str, Any] | None,
    run: Run,
    prepare: Callable[..., np.ndarray],
    first: Outcome,
) -> dict[str, np.ndarray]:
    """Weights of a fit to training and validation together, for the epochs that the first one found."""
    epochs = int(first.facts.get("best_epoch") or first.facts["epochs_run"])
    both = np.sort(np.concatenate([task.split["train"], task.split["val"]]))
    everything = replace(task, split={"train": both, "val": both[:0]})
    again = config.model_copy(update={"epochs": epochs, "patience": 0})
    model, _ = begun(everything, again, start, trunk, prepare)
    folder = None if run.folder is None else run.folder / "again"
    weights = dict(trained(model, everything, again, replace(run, folder=folder), prepare, "again").weights)
    if config.by_centres:
        device = choose_device(run.device)
        _, z = codes_of(model.to(device), everything.training, prepare, device, "Finding centres")
        weights[CENTRES] = _centres(z, task.codes[both], task, config)
    return weights
