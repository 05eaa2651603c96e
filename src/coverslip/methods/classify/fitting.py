"""Fit a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.core import Fitted, InputError, Samples
from coverslip.core.spread import evenly
from coverslip.core.words import number_of
from coverslip.methods.classify.calibration import ENOUGH, oddness, softmax, temperature
from coverslip.methods.classify.clusters import Clusters, nearness_to_others, scatter_about
from coverslip.methods.classify.config import SHALLOW, Config
from coverslip.methods.classify.inference import (
    CENTRES,
    HELD_CODES,
    HELD_OUT,
    codes_of,
    preparation,
    shown_shape,
)
from coverslip.methods.classify.loss import Centroids, mmd_to_normal, scatter_within, spread_between
from coverslip.methods.classify.model import Classifier, MobileNetV2, build
from coverslip.methods.classify.rules import named_centres, nearness
from coverslip.methods.classify.shallow import fit_shallow
from coverslip.methods.classify.task import Task, task_of
from coverslip.nn.device import choose_device
from coverslip.nn.imagenet import put_imagenet
from coverslip.samples.opening.again import alike
from coverslip.samples.opening.normalise import Normaliser
from coverslip.samples.sheets.splits import divided_groups, few_groups, group_codes, usual_groups
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import Outcome, train
from coverslip.train.run import Run

_BETTER = 0.05
"""By so much softmax must be right more often than the nearest centre before that is said."""

_LOOKED_AT = 512
"""Samples that the mean and deviation of the channels are taken from."""


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
    trunk = None if start is None else _trunk_facts(start, samples)
    normaliser = _normaliser(task.training, config, start)
    prepare = preparation(normaliser, config.size)
    model, began = _begun(task, config, start, trunk, prepare)
    crossed, against = None, ""
    if config.network in SHALLOW:
        parts = (task.training, task.held_out, task.codes)
        outcome, crossed = fit_shallow(model, *parts, prepare, _groups(task), config, run)
    else:
        outcome = _trained(model, task, config, run, prepare, "fit")
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
    facts["warnings"] = [*_warnings(task, config, outcome, calibrating), *([against] if against else [])]
    if config.retrain and config.network not in SHALLOW and len(task.split["val"]):
        weights |= _retrained(task, config, start, trunk, run, prepare, outcome)
    return Fitted("classify", config, weights, facts, outcome.history)


def _normaliser(training: Samples, config: Config, start: Fitted | None) -> Normaliser:
    if start is not None:
        return Normaliser.from_dict(start.facts["normaliser"])
    low, high = config.percentiles
    return Normaliser.fit(training, kind=config.normalise, low=low, high=high, seed=config.seed)


def _trunk_facts(start: Fitted, samples: Samples) -> dict[str, Any]:
    """What the trunk of a model is built of.

    Raises
    ------
    InputError
        If it has none, or is for other channels.
    """
    settings = start.config.model_dump()
    if not {"trunk", "width", "stem"} <= set(settings) or "trunk.conv1.weight" not in start.weights:
        raise InputError(f"A model of the method '{start.method}' has no trunk to start from; give one of simclr.")
    channels = int(start.weights["trunk.conv1.weight"].shape[1])
    if channels != samples.shape[0]:
        raise InputError(
            f"The start was fitted to {number_of(channels, 'channel')}, but the samples have {samples.shape[0]}."
        )
    # A size of its own may ask for another first layer than that of the start.
    kernel = start.weights["trunk.conv1.weight"].shape[-1]
    stem = settings["stem"] if settings["stem"] != "auto" else "large" if kernel == 7 else "small"
    return {"trunk": settings["trunk"], "width": settings["width"], "stem": stem}


def _begun(
    task: Task, config: Config, start: Fitted | None, trunk: dict[str, Any] | None, prepare: Callable[..., np.ndarray]
) -> tuple[Classifier, str]:
    """The network before its first step, and where its weights come from."""
    shape = shown_shape(config, task.samples.shape)
    known = len(task.split["train"])
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config, shape, len(task.classes), start=trunk, known=known)
    if start is not None:
        state = {
            n.removeprefix("trunk."): torch.from_numpy(np.array(a))
            for n, a in start.weights.items()
            if n.startswith("trunk.")
        }
        model.trunk.load_state_dict(state)
        model.mean.copy_(torch.from_numpy(np.array(start.weights["mean"])))
        model.deviation.copy_(torch.from_numpy(np.array(start.weights["deviation"])))
        return model, f"the trunk of {config.start}"
    rows = evenly(known, _LOOKED_AT)
    some = torch.from_numpy(prepare(task.training.read(rows)))
    model.mean.copy_(some.mean((0, 2, 3)))
    model.deviation.copy_(some.std((0, 2, 3)).clamp_min(1e-3))
    if config.start != "imagenet":
        return model, "drawn from the seed"
    if isinstance(model.trunk, MobileNetV2):
        return model, put_imagenet(
            model.trunk.network, "mobilenet_v2", first="0.0.weight", below="features.", without="classifier."
        )
    return model, put_imagenet(model.trunk, "resnet18")


def _trained(
    model: Classifier, task: Task, config: Config, run: Run, prepare: Callable[..., np.ndarray], stage: str
) -> Outcome:
    """Train all weights; the best epoch's come back, or the last one's where nothing was held out."""
    features = int(model.trunk.features) if config.scatter_on == "features" else len(task.classes)  # type: ignore[arg-type]
    by_kmeans = config.centres == "kmeans"
    clusters = Clusters(len(task.samples), len(task.classes), config.seed) if by_kmeans else None
    learner = _Learner(model, Centroids(len(task.classes), features), clusters)
    labels = torch.from_numpy(task.codes)
    counts = np.bincount(task.codes[task.split["train"]], minlength=len(task.classes))
    share = torch.from_numpy(counts.sum() / (len(counts) * counts)).float() if config.imbalance == "weights" else None
    between, within, match = (config.weight(term) for term in ("between", "within", "mmd"))

    def step(
        module: torch.nn.Module, batch: Batch[Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, Tensor]:
        x, codes = batch.inputs, labels[batch.rows].to(batch.inputs.device)
        if module.training:
            x = config.augment(x, generator)
        h, z = module(x.contiguous(memory_format=torch.channels_last))
        entropy = F.cross_entropy(z, codes, weight=None if share is None else share.to(z))
        terms = {"loss": entropy, "cross_entropy": entropy, "accuracy": (z.argmax(1) == codes).float().mean()}
        if clusters is not None:
            if module.training:
                clusters.note(z, batch.rows, epoch)
            known = clusters.ready.to(z)  # in the first epoch there are no centres yet
            terms |= {"between": known * nearness_to_others(z, clusters.centres)}
            terms |= {"within": known * scatter_about(z, clusters.centres)}
        elif between or within:
            v = h if config.scatter_on == "features" else z
            if module.training:
                learner.centroids.note(v, codes, epoch)
            centres, counts_of = learner.centroids.with_batch(v, codes)
            terms |= {"between": spread_between(centres, counts_of), "within": scatter_within(v, codes, centres)}
        if match:
            terms["mmd"] = mmd_to_normal(z, generator)
        if module.training:
            terms["loss"] = entropy + sum(
                weight * terms[name]
                for name, weight in (("between", between), ("within", within), ("mmd", match))
                if weight
            )
        return terms

    split = dict(task.split)
    if config.imbalance == "oversample":
        split["train"] = _as_often(split["train"], task.codes)
    identity: dict[str, Any] = {
        "method": "classify",
        "stage": stage,
        **config.model_dump(mode="json"),
        "samples": len(task.samples),
        "shape": task.samples.shape,
    }
    outcome = train(learner, step, Feed(task.samples, prepare, run), split, config, run, identity)
    weights = {name.removeprefix("model."): a for name, a in outcome.weights.items() if name.startswith("model.")}
    return replace(outcome, weights=weights)


class _Learner(nn.Module):
    """The network, and what it remembers while it learns."""

    def __init__(self, model: Classifier, centroids: Centroids, clusters: Clusters | None) -> None:
        super().__init__()
        self.model = model
        self.centroids = centroids
        self.clusters = clusters

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.model(x)
        return found


def _as_often(rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Rows with those of rare classes repeated until each is about as frequent as the largest."""
    counts = np.bincount(codes[rows])
    times = np.rint(counts.max() / counts[codes[rows]]).astype(int)
    return np.repeat(rows, times)


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
    model, _ = _begun(everything, again, start, trunk, prepare)
    folder = None if run.folder is None else run.folder / "again"
    weights = dict(_trained(model, everything, again, replace(run, folder=folder), prepare, "again").weights)
    if config.by_centres:
        device = choose_device(run.device)
        _, z = codes_of(model.to(device), everything.training, prepare, device, "Finding centres")
        weights[CENTRES] = _centres(z, task.codes[both], task, config)
    return weights


def _warnings(task: Task, config: Config, outcome: Outcome, calibrating: np.ndarray) -> list[str]:
    said = [text for text in (task.left_out, alike(task.classes), divided_groups(task.samples.obs)) if text]
    if task.split_by == "sample" and len(task.split["val"]):
        by_hand = "say which are held out in a column 'split' (coverslip samples split SHEET --by {})"
        said += filter(None, [few_groups(task.samples.obs, by_hand)])
    held = np.bincount(calibrating, minlength=len(task.classes))
    word = "held-out" if len(calibrating) == len(task.split["val"]) else "labelled"
    if not held.sum():
        said.append(
            "Nothing was held out, so probabilities are not calibrated and there are no prediction sets: mark some "
            "rows with the split 'val', or set validation above 0."
        )
    elif held.sum() < ENOUGH:
        said.append(
            f"{number_of(held.sum(), f'{word} image is', f'{word} images are')} too few for prediction sets: with "
            f"fewer than {ENOUGH} each holds every class at an error rate of 0.1."
        )
    elif held.min() < ENOUGH:
        few, name = int(held.min()), task.classes[int(held.argmin())]
        counted = f"Only {few} {word} images are" if few > 1 else f"{'Only one' if few else 'No'} {word} image is"
        said.append(
            f"{counted} of the class '{name}', too few for prediction sets that hold for it alone: classes with fewer "
            f"than {ENOUGH} are compared with all {word} images."
        )
    if config.retrain and config.network not in SHALLOW and held.sum():
        said.append(
            "Temperature and prediction sets are those of the fit before the training anew, which held images out: of "
            "the weights that are kept nothing is promised."
        )
    counts = np.bincount(task.codes[task.split["train"]], minlength=len(task.classes))
    if counts.max() > 5 * counts.min() and config.imbalance == "none":
        large, small = task.classes[int(counts.argmax())], task.classes[int(counts.argmin())]
        said.append(
            f"There are {counts.max()} training images of '{large}' and {counts.min()} of '{small}': imbalance=weights "
            "or oversample make rare classes count as much."
        )
    if config.patience and outcome.facts.get("epochs_run") == config.epochs == outcome.facts.get("best_epoch"):
        said.append("The last epoch was the best: more epochs may help.")
    return said
