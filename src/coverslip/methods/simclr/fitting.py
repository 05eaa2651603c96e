"""Fit SimCLR."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coverslip.core import Fitted, InputError, Samples, Subset
from coverslip.core.spread import evenly
from coverslip.methods.simclr.config import Config
from coverslip.methods.simclr.inference import build
from coverslip.methods.simclr.invariance import distances
from coverslip.methods.simclr.loss import found, nt_xent, similarities, vicreg
from coverslip.nn.imagenet import put_imagenet
from coverslip.samples.opening.normalise import Normaliser
from coverslip.samples.opening.preview import destroyed
from coverslip.samples.opening.recipes import Recipe, placed
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split

_LOOKED_AT = 512
"""Samples that the mean and deviation of the channels are taken from."""
_COMPARED = 256
"""Samples that the table of invariance is made of."""


def fit(samples: Samples, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit SimCLR to images without labels.

    Parameters
    ----------
    samples : Samples
        Equally sized images ``(N, C, H, W)``; a ``split`` column (train, val, test) is honoured, else part of
        them is held out to watch, whole groups where there is a ``group`` column.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, memory, checkpoint folder.

    Returns
    -------
    Fitted
        ``facts`` holds the input shape, the normaliser, where the weights began, a table of how far each transform
        moves an image, and a warning where the recipe destroys grey values.

    Raises
    ------
    InputError
        If the images are smaller than 8 x 8 pixels, or there are too few of them.
    ModelError
        If ImageNet's weights are asked for and cannot be fetched.
    """
    config, run = config or Config(), run or Run()
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config, samples.shape)
    split, split_by = training_split(samples, config)
    if len(split["train"]) < 2:
        raise InputError(f"SimCLR needs at least 2 samples to train on, not {len(split['train'])}; add images.")
    started = put_imagenet(model.trunk, config.trunk) if config.start == "imagenet" else "drawn from the seed"
    seen = Subset(samples, split["train"])
    low, high = config.percentiles
    normaliser = Normaliser.fit(
        seen, kind=config.normalise, per_channel=config.per_channel, low=low, high=high, seed=config.seed
    )
    some = torch.from_numpy(np.asarray(normaliser.apply(seen.read(evenly(len(seen), _LOOKED_AT)))))
    model.mean.copy_(some.mean((0, 2, 3)))
    model.deviation.copy_(some.std((0, 2, 3)).clamp_min(1e-3))

    def step(
        module: torch.nn.Module, batch: Batch[Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, Tensor]:
        x = batch.inputs
        terms = terms_of(module(two_views(x, config.recipe, generator))[1], config)
        if not module.training:
            # Two equal images would always find each other: one is turned or flipped, which loses nothing.
            turned = placed(x, generator, crop=1.0, aspect=1.0, dihedral=1.0)
            plain = terms_of(module(torch.cat([x, turned]).contiguous(memory_format=torch.channels_last))[1], config)
            terms |= {f"plain_{name}": value for name, value in plain.items()}
        return terms

    identity: dict[str, Any] = {
        "method": "simclr",
        **config.model_dump(mode="json"),
        "samples": len(samples),
        "shape": samples.shape,
    }
    outcome = train(model, step, Feed(samples, normaliser.apply, run), split, config, run, identity)
    facts: dict[str, Any] = {
        "shape": list(samples.shape),
        "channels": list(samples.channels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "normaliser": normaliser.to_dict(),
        "split_by": split_by,
        "start": started,
        **outcome.facts,
    }
    fitted = Fitted("simclr", config, outcome.weights, facts, outcome.history)
    held_out = split["val"] if len(split["val"]) > 1 else split["train"]
    compared = Subset(samples, held_out[evenly(len(held_out), _COMPARED)])
    facts["tables"] = {"Invariance": distances(fitted, compared)}
    facts["warnings"] = destroyed(some, config.recipe, config.seed)
    return fitted


def two_views(x: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Both views of each image in one batch ``(2N, C, H, W)``, channels last: the first views, then the second ones."""
    return recipe(torch.cat([x, x]), generator).contiguous(memory_format=torch.channels_last)


def terms_of(z: Tensor, config: Config) -> dict[str, Tensor]:
    """The loss of two views' vectors ``(2N, D)``, and how well they find each other."""
    sim, partner = similarities(z)
    if config.objective == "contrastive":
        terms = {"loss": nt_xent(sim, partner, config.temperature)}
    else:
        terms = vicreg(z, config.invariance, config.variance, config.covariance)
    return {**terms, **found(sim.detach(), partner)}
