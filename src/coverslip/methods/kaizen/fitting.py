"""Fit the generator of Kaizen, and find how best to search with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from coverslip.core import Fields, FieldSubset, Fitted, InputError
from coverslip.methods.kaizen.config import Config
from coverslip.methods.kaizen.inference import build
from coverslip.methods.kaizen.light import adding_up
from coverslip.methods.kaizen.loss import loss_terms
from coverslip.methods.kaizen.patches import ObjectFeed
from coverslip.methods.kaizen.search import QUIET, SEED, Search
from coverslip.methods.kaizen.tuning import best_search, seen
from coverslip.nn.familiar import Familiar
from coverslip.train.batch import Batch
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split
from coverslip.train.start import begin_from

_WATCHED = 2000
"""Of more held-out patches than this, only so many are looked at after each epoch."""


def fit(fields: Fields, config: Config | None = None, run: Run | None = None, *, start: Fitted | None = None) -> Fitted:
    """Fit a generator to fields with masks.

    Parameters
    ----------
    fields : Fields
        Images of any size, of one channel in which light adds up, with a label mask each; a ``split`` column (train,
        val, test) is honoured, else part of the fields is held out, whole groups where there is a ``group`` column.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, checkpoint folder.
    start : Fitted, optional
        The model that `Config.start` names.

    Returns
    -------
    Fitted
        ``facts["search"]`` holds what gave the best objects on the held-out fields (on the training fields where none
        was held out).

    Raises
    ------
    InputError
        If there are no masks, they do not fit their images, none of them holds an object, or objects are wider than a
        patch.
    """
    config, run = config or Config(), run or Run()
    if not fields.has_labels:
        raise InputError("Kaizen learns objects from masks, and there are none; name them in a column 'mask'.")
    split, split_by = training_split(fields, config)
    training, held_out = split["train"], split["val"]
    feed = ObjectFeed(adding_up(fields, config.light), np.concatenate([training, held_out]), config)
    _check_objects(feed, config, len(training))
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config)
    begin_from(start, model, "kaizen", config, inputs=1)

    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        return loss_terms(module(batch.inputs), batch.targets[:, 0], batch.targets[:, 1], masks=config.masks)

    identity: dict[str, Any] = {
        "method": "kaizen",
        **config.model_dump(),
        "fields": [fields.name(i) for i in range(len(fields))],
        "train": training.tolist(),
    }
    rows = {"train": feed.rows(range(len(training)))}
    if len(held_out):
        watched = feed.rows(range(len(training), len(training) + len(held_out)))
        rows["val"] = watched[:: -(-len(watched) // _WATCHED)]
    outcome = train(model, step, feed, rows, config, run, identity)
    sides = feed.sides
    faint, above_noise = feed.faintest(range(len(training)))
    facts: dict[str, Any] = {
        "inputs": 1,
        "channels": list(fields.channels),
        "dtype": str(fields.dtype),
        "parameters": sum(p.numel() for p in model.parameters()),
        "split_by": split_by,
        "object_diameter_px": np.percentile(2 * np.sqrt(feed.areas / np.pi), [1, 25, 50, 75, 99]).round(1).tolist(),
        "object_side_px": np.percentile(sides, [1, 25, 50, 75, 99]).round(1).tolist(),
        "margin": int(2 * sides.max()),
        "search": Search(
            faint=faint, noise=max(above_noise, QUIET), brightness=0 if config.masks else SEED.brightness
        ).model_dump(),
        **outcome.facts,
        "train": len(training),
        "val": len(held_out),
        "objects": feed.count,
    }
    fitted = Fitted("kaizen", config, outcome.weights, facts, outcome.history)
    looked_at = FieldSubset(fields, held_out if len(held_out) else training)
    if config.recipe == "seed":  # nothing is chosen there, and to look back takes half a minute for each field
        facts["search"] = SEED.model_dump()
        return fitted
    facts["search"], facts["score"] = best_search(fitted, looked_at, feed.areas, device=run.device)
    facts["familiar"] = Familiar.noted(seen(fitted, looked_at, device=run.device))
    return fitted


def _check_objects(feed: ObjectFeed, config: Config, training: int) -> None:
    if not any(place < training for place in feed.field_of):
        raise InputError(
            f"None of the {training} training masks holds an object: there is nothing to learn to generate; check the "
            "column 'mask'."
        )
    widest = config.patch * max(config.scales)
    # Patches of the source do not hold the widest nuclei of its own images.
    share = 50 if config.recipe == "seed" else 10
    typical = float(np.percentile(feed.sides, 100 - share))
    if typical > widest:
        raise InputError(
            f"{share} % of the objects are wider than {typical:.0f} pixels, and a patch shows {widest:.0f}: say --set "
            f"scales=[{np.ceil(2 * typical / config.patch * 2) / 2:g}], or a larger patch."
        )
