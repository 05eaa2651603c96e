"""The training of a classifier: its loss, and what it remembers while it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.methods.classify.clusters import Clusters, nearness_to_others, scatter_about
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.loss import Centroids, mmd_to_normal, scatter_within, spread_between
from coverslip.methods.classify.model import Classifier
from coverslip.methods.classify.task import Task
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import Outcome, train
from coverslip.train.run import Run


def trained(
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
