"""Fit deep clustering: an autoencoder first, then its clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coverslip.core import Fitted, InputError, Samples, Subset
from coverslip.core.words import number_of
from coverslip.methods.deep_cluster.config import Config
from coverslip.methods.deep_cluster.groups import means, neighbours_of, starting_clusters
from coverslip.methods.deep_cluster.inference import CENTRES, autoencoder_for
from coverslip.methods.deep_cluster.loss import (
    clustering_loss,
    consistency,
    cross_entropy,
    kl_to_normal,
    mmd,
    soft_assignment,
    squared_error,
    target_distribution,
)
from coverslip.methods.deep_cluster.model import BUFFERS, Autoencoder, Clusterer
from coverslip.methods.deep_cluster.proposal import propose
from coverslip.samples.opening.alike import BATCH
from coverslip.samples.opening.normalise import Normaliser
from coverslip.train.batch import Batch, on_device
from coverslip.train.feed import Feed
from coverslip.train.loop import Settled, Step, train
from coverslip.train.run import Run
from coverslip.train.split import training_split

_UNSURE = 0.1
"""Share of a target that is spread over all clusters, where the clusters of the start are the target."""

_VIEWS = 4
"""So many augmented versions of each sample are looked at where clusters start."""

_FEW = 0.01
"""A cluster of a smaller share of the samples than this is told of."""

_UNSETTLED = 0.05
"""So large a share of samples that change their cluster at the end is told of."""


def fit(samples: Samples, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit an autoencoder and clusters of its latents to images.

    Parameters
    ----------
    samples : Samples
        Equally sized images ``(N, C, H, W)``; a ``split`` column (train, val, test) is honoured. No label is used.
    config : Config, optional
        Settings; the defaults are the source's definition.
    run : Run, optional
        Device, precision, memory, checkpoint folder.

    Returns
    -------
    Fitted
        ``facts`` holds the input shape, the normaliser, the number of clusters and what spoke for it, the size of each
        cluster, and a warning where a cluster is nearly empty or the assignments did not settle.

    Raises
    ------
    InputError
        If the images are smaller than 8 x 8 pixels, or there are fewer of them than clusters.
    """
    config, run = config or Config(), run or Run()
    split, split_by = training_split(samples, config)
    rows = split["train"]
    if len(rows) < max(2, config.clusters if config.clusters != "auto" else 2):
        few = number_of(len(rows), "sample is", "samples are")
        raise InputError(f"{few} too few to train on for so many clusters; add images.")
    normaliser = Normaliser.fit(
        Subset(samples, rows),
        kind=config.normalise,
        per_channel=config.per_channel,
        low=config.percentiles[0],
        high=config.percentiles[1],
        seed=config.seed,
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = autoencoder_for(config, samples.shape)
    feed = Feed(samples, normaliser.apply, run)
    identity = {"method": "deep_cluster", **config.model_dump(), "samples": len(samples), "shape": samples.shape}

    first, *rounds = config.stages
    settings = config.model_copy(update={"epochs": first})
    outcome = train(model, _first_step(config), feed, split, settings, run, identity)
    histories, weights = [outcome.history], dict(outcome.weights)
    latent = _latents(model, feed, rows)
    k, tried = _number_of_clusters(latent, config)
    clusters, centres = _started(model, feed, rows, latent, k, config)
    for number, epochs in enumerate(rounds):
        if number:
            clusters, centres = _started(model, feed, rows, latent, k, config)
        clusterer = Clusterer(model, torch.from_numpy(centres), len(samples))
        settings = config.model_copy(update={"epochs": epochs, "patience": 0})
        apart = replace(run, folder=run.folder / f"round{number + 1}") if run.folder else run
        step = _clustering_step(clusterer, feed, rows, clusters, config)
        later = train(clusterer, step, feed, split, settings, apart, identity, _settled(config))
        histories.append(later.history)
        kept = {name: array for name, array in later.weights.items() if name not in BUFFERS}
        weights = {name.removeprefix("autoencoder."): array for name, array in kept.items()}
        centres = weights.pop(CENTRES)
        latent = _latents(model, feed, rows)
    history = _joined(histories)
    centres, sizes = _by_size(centres, latent)
    facts: dict[str, Any] = {
        "shape": list(samples.shape),
        "channels": list(samples.channels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "normaliser": normaliser.to_dict(),
        "split_by": split_by,
        **outcome.facts,
        "epochs_run": len(history),
        "clusters": k,
        "cluster_sizes": sizes.tolist(),
        "numbers_tried": tried,
        "warnings": [*_warnings(config, sizes, history), *_no_gaps(k, tried)],
    }
    return Fitted("deep_cluster", config, {**weights, CENTRES: centres}, facts, history)


def _number_of_clusters(latent: np.ndarray, config: Config) -> tuple[int, list[dict[str, Any]]]:
    if config.clusters != "auto":
        return config.clusters, []
    return propose(latent, most=config.most_clusters, seed=config.seed)


def _by_size(centres: np.ndarray, latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centres from the largest cluster to the smallest, and how many samples each has."""
    nearest = ((latent[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    sizes = np.bincount(nearest, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    return centres[order], sizes[order]


def _warnings(config: Config, sizes: np.ndarray, history: list[dict[str, float]]) -> list[str]:
    said = []
    few = int((sizes < _FEW * sizes.sum()).sum())
    if few and len(sizes) > 1:
        said.append(
            f"{few} of {len(sizes)} clusters {'hold' if few > 1 else 'holds'} less than {_FEW:.0%} of the samples"
            f"{' each' * (few > 1)}: ask for fewer (clusters)."
        )
    asked, most = config.clustering_epochs, config.epochs // 2
    if config.clustering and asked > most:
        said.append(
            f"The clustering stage had {number_of(most, 'epoch')} at most, half of all, and not {asked} "
            "(clustering_epochs): raise epochs to give it more."
        )
    last = [row for row in history if row["stage"] == history[-1]["stage"]]
    changed = last[-1].get("changed", 0.0) if len(last) > 1 else 0.0  # in the first epoch all are new to their cluster
    if changed > max(config.tolerance, _UNSETTLED):
        said.append(
            f"In the last epoch {changed:.1%} of the samples still changed their cluster: more clustering_epochs may "
            "help."
        )
    return said


def _first_step(config: Config) -> Step:
    """The loss of the first stage (A.3): cross-entropy and what keeps latents near the prior; perhaps consistency."""
    widths = [scale * config.latent * config.prior_variance for scale in config.kernel]

    def step(module: nn.Module, batch: Batch[Tensor], generator: torch.Generator, epoch: int) -> dict[str, Tensor]:
        seen, wanted = _seen_and_wanted(batch.inputs, generator, config, training=module.training)
        n, paired = len(seen), config.consistency > 0 and module.training
        shown = torch.cat([seen, config.augment(batch.inputs, generator)]) if paired else seen
        # The draws of the prior, or of the stochastic encoder.
        noise = torch.randn((len(shown), config.latent), generator=generator, device=seen.device)
        z, logits, mean, logvar = module(shown, noise, n)
        terms = {"reconstruction": cross_entropy(logits, wanted)}
        if config.regulariser == "mmd":
            terms["mmd"] = mmd(z[:n], noise[:n] * config.prior_variance**0.5, widths)
        elif logvar is not None:
            terms["kl"] = kl_to_normal(mean[:n], logvar[:n]).mean() / wanted[0].numel()
        regulariser = terms.get("mmd", terms.get("kl"))
        loss = terms["reconstruction"]
        if regulariser is not None:
            loss = loss + config.regularisation * regulariser
        if paired:
            terms["consistency"] = consistency(mean[:n], mean[n:])
            loss = loss + config.consistency * terms["consistency"]
        return {"loss": loss, **terms}

    return step


def _clustering_step(clusterer: Clusterer, feed: Feed, rows: np.ndarray, clusters: np.ndarray, config: Config) -> Step:
    """The loss of the clustering stage (A.8): squared error and KL(P || Q), with P made anew each epoch."""

    def step(module: nn.Module, batch: Batch[Tensor], generator: torch.Generator, epoch: int) -> dict[str, Tensor]:
        if module.training and epoch != int(clusterer.made[0]):
            guided = epoch < config.guided_epochs
            _aim(clusterer, feed, rows, epoch, clusters if guided else None, neighbours=config.neighbours)
        seen, wanted = _seen_and_wanted(batch.inputs, generator, config, training=module.training)
        _, logits, q = module(seen)
        p = clusterer.target[torch.from_numpy(batch.rows).to(q.device)]
        if not module.training:
            p = target_distribution(q, clusterer.share)
        terms = {"reconstruction": squared_error(logits, wanted), "clustering": clustering_loss(p, q)}
        loss = terms["reconstruction"] + config.beta * terms["clustering"]
        return {"loss": loss, **terms, "changed": clusterer.made[1].float()}

    return step


def _seen_and_wanted(x: Tensor, generator: torch.Generator, config: Config, *, training: bool) -> tuple[Tensor, Tensor]:
    """What the network is shown, and what it should give back."""
    seen = config.augment(x, generator) if training else x
    return seen, x if config.reconstruct == "original" else seen


def _no_gaps(k: int, tried: list[dict[str, Any]]) -> list[str]:
    """A sentence where a number was proposed, and nothing divides the clusters."""
    if not any(row["k"] == k and row["apart"] == 0 for row in tried):
        return []
    return [
        f"The {k} clusters that were proposed go over into each other: between none and the next there is a gap (dip "
        "test), so fewer may do, or there may be none; look at several numbers (clusters)."
    ]


def _settled(config: Config) -> Settled:
    def settled(history: Sequence[Mapping[str, float]]) -> bool:
        return len(history) > config.guided_epochs + 1 and history[-1]["changed"] < config.tolerance

    return settled


@torch.no_grad()
def _aim(
    clusterer: Clusterer, feed: Feed, rows: np.ndarray, epoch: int, clusters: np.ndarray | None, *, neighbours: int
) -> None:
    """Make the targets of an epoch, from the images as they are, or from the clusters that they should be in."""
    training = clusterer.training
    clusterer.eval()
    device = clusterer.centres.device
    latent = _latents(clusterer.autoencoder, feed, rows)
    clusterer.train(training)
    q = soft_assignment(torch.from_numpy(latent).to(device), clusterer.centres)
    at = torch.from_numpy(rows).to(device)
    assigned = q.argmax(dim=1)
    changed = (assigned != clusterer.assigned[at]).double().mean()
    clusterer.share.copy_(q.sum(dim=0))
    clusterer.target[at] = target_distribution(q[neighbours_of(latent, neighbours)].mean(dim=1) if neighbours else q)
    if clusters is not None:
        clusterer.target[at] = _UNSURE / q.shape[1]
        clusterer.target[at, torch.from_numpy(clusters).to(device)] += 1 - _UNSURE
    clusterer.assigned[at] = assigned
    clusterer.made.copy_(torch.tensor([float(epoch), float(changed)]))


def _started(
    model: Autoencoder, feed: Feed, rows: np.ndarray, latent: np.ndarray, k: int, config: Config
) -> tuple[np.ndarray, np.ndarray]:
    """The cluster that each sample starts in, ``(n,)``, and the centres ``(k, D)``."""
    clusters = starting_clusters(latent, k, config.start, config.seed, _views(model, feed, rows, config))
    return clusters, means(latent, clusters, k)


def _views(model: Autoencoder, feed: Feed, rows: np.ndarray, config: Config) -> np.ndarray | None:
    """Latents of some samples augmented a few times, ``(V, n, D)``; None where nothing is augmented, or looked at."""
    if config.start != "umap" or config.augment.idle:
        return None
    generator = torch.Generator().manual_seed(config.seed)  # of the processor: the same versions on every device
    return np.stack([_latents(model, feed, rows, lambda x: config.augment(x, generator)) for _ in range(_VIEWS)])


@torch.no_grad()
def _latents(
    model: Autoencoder, feed: Feed, rows: np.ndarray, change: Callable[[Tensor], Tensor] | None = None
) -> np.ndarray:
    """Latents of some samples as they are, or changed, ``(n, D)``."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    parts = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
    nothing = np.random.SeedSequence(0)
    found = [
        model.encode(x if change is None else change(x)).cpu().numpy()
        for x in (on_device(batch, device).inputs for batch in feed.batches(parts, [nothing] * len(parts)))
    ]
    model.train(training)
    return np.concatenate(found)


def _joined(histories: list[list[dict[str, float]]]) -> list[dict[str, float]]:
    """One history of all stages; the epochs count on."""
    rows = [{**row, "stage": float(stage)} for stage, history in enumerate(histories, 1) for row in history]
    return [{**row, "epoch": epoch} for epoch, row in enumerate(rows, 1)]
