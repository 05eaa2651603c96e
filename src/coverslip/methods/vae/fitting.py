"""Fit the adaptable VAE."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples, Subset
from coverslip.core.words import number_of
from coverslip.measure.embeddings.latent import active_units, collapsed, empirical_kl, kl_per_dimension
from coverslip.methods.vae.architecture import plan
from coverslip.methods.vae.config import MOST_EPOCHS, Config
from coverslip.methods.vae.inference import posterior_of
from coverslip.methods.vae.loss import best_orientation, loss_terms
from coverslip.methods.vae.model import VAE
from coverslip.samples.opening.augment import dihedral
from coverslip.samples.opening.normalise import Normaliser
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split


def fit(samples: Samples, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit a VAE to crops of single cells.

    Parameters
    ----------
    samples : Samples
        Equally sized crops ``(N, C, H, W)``; a ``split`` column (train, val, test) is honoured, else part of
        them is held out to watch, whole groups where there is a ``group`` column.
    config : Config, optional
        Settings; the defaults are the source's definition.
    run : Run, optional
        Device, precision, memory, checkpoint folder.

    Returns
    -------
    Fitted
        ``facts`` holds the input shape, the normaliser, the depth, of the held-out samples the KL per
        dimension and which dimensions are active, and a warning where some collapsed.

    Raises
    ------
    InputError
        If the crops are smaller than 8 x 8 pixels or there are too few of them.
    """
    config, run = config or Config(), run or Run()
    architecture = plan(
        samples.shape, depth=config.depth, downsample=config.downsample, width=config.width, preset=config.preset
    )
    split, split_by = training_split(samples, config)
    if len(split["train"]) < 2:
        raise InputError(f"A VAE needs at least 2 samples to train on, not {len(split['train'])}; add images.")
    asked, config = config, config.for_samples(len(split["train"]), *samples.shape[1:])
    normaliser = Normaliser.fit(
        Subset(samples, split["train"]),
        kind=config.normalise,
        per_channel=config.per_channel,
        low=config.percentiles[0],
        high=config.percentiles[1],
        seed=config.seed,
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = VAE(architecture, config.latent, bounded=config.normalise != "zscore")

    free = config.orientation == "free"

    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        x = batch.inputs
        if module.training:
            x = config.augment(x, generator)
            x = dihedral(x, generator) if free else x
        noise = torch.randn((len(x), config.latent), generator=generator, device=x.device)
        x_hat, mu, logvar = module(x, noise)
        x = best_orientation(x, x_hat, config.likelihood) if free else x
        return loss_terms(x, x_hat, mu, logvar, beta=config.beta, likelihood=config.likelihood)

    identity: dict[str, Any] = {"method": "vae", **config.model_dump(), "samples": len(samples), "shape": samples.shape}
    outcome = train(model, step, Feed(samples, normaliser.apply, run), split, config, run, identity)
    facts: dict[str, Any] = {
        "shape": list(samples.shape),
        "channels": list(samples.channels),
        "depth": architecture.depth,
        "parameters": sum(p.numel() for p in model.parameters()),
        "normaliser": normaliser.to_dict(),
        "split_by": split_by,
        **outcome.facts,
    }
    fitted = Fitted("vae", config, outcome.weights, facts, outcome.history)
    held_out = split["val"] if len(split["val"]) > 1 else split["train"]  # one sample does not vary
    facts |= _latent_facts(fitted, Subset(samples, held_out), config.beta)
    if asked.epochs != config.epochs < MOST_EPOCHS:
        facts["said"] = (
            f"{number_of(config.epochs, 'epoch is', 'epochs are')} a first look, of about two minutes on two cores; "
            f"to go on, fit again with --set epochs={MOST_EPOCHS}: finer vectors, {MOST_EPOCHS / config.epochs:.1f} "
            "times as long."
        )
    return fitted


def _latent_facts(fitted: Fitted, samples: Samples, beta: float) -> dict[str, Any]:
    posterior = posterior_of(fitted, samples)
    active = active_units(posterior.mu, logvar=posterior.logvar)
    warning = collapsed(posterior.mu, logvar=posterior.logvar, beta=beta)
    return {
        "kl_per_dimension": kl_per_dimension(posterior.mu, posterior.logvar).tolist(),
        "empirical_kl": empirical_kl(posterior.mu, posterior.logvar).tolist(),
        "active": active.tolist(),
        "active_units": int(active.sum()),
        # What ordinary samples score, for the anomaly score of later ones.
        "negative_elbo_quantiles": np.quantile(posterior.negative_elbo, np.linspace(0, 1, 101)).tolist(),
        "warnings": [warning] if warning else [],
    }
