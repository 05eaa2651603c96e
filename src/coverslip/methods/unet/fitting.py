"""Fit the U-Net."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from coverslip.core import Fields, FieldSubset, Fitted, InputError
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import PEAK
from coverslip.methods.unet.loss import loss_terms
from coverslip.methods.unet.outputs import build
from coverslip.methods.unet.targets import scribbled, targets_and_weight
from coverslip.methods.unet.tuning import best_decoding, seen
from coverslip.nn.familiar import Familiar
from coverslip.train.batch import Batch
from coverslip.train.epochs import repeated
from coverslip.train.loop import train
from coverslip.train.patches import PatchFeed
from coverslip.train.run import Run
from coverslip.train.split import training_split
from coverslip.train.start import begin_from

_NARROWEST, _WIDEST = 64, 512


def fit(fields: Fields, config: Config | None = None, run: Run | None = None, *, start: Fitted | None = None) -> Fitted:
    """Fit a U-Net to fields with masks.

    Parameters
    ----------
    fields : Fields
        Images of any size with a label mask each; a ``split`` column (train, val, test) is honoured, else part of the
        fields is held out to watch, whole groups where there is a ``group`` column.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, memory, checkpoint folder.
    start : Fitted, optional
        The model that `Config.start` names.

    Returns
    -------
    Fitted
        ``facts`` holds the number of input channels, the threshold and smallest area that gave the best objects on the
        held-out fields (on the training fields where none was held out), and the size of the training objects.

    Raises
    ------
    InputError
        If there are no masks, they do not fit their images, or none of them holds an object.
    """
    config, run = config or Config(), run or Run()
    if not fields.has_labels:
        raise InputError("A U-Net learns from masks, and there are none; name them in a column 'mask' of the sheet.")
    split, split_by = training_split(fields, config)
    training, held_out = split["train"], split["val"]
    feed = PatchFeed(
        fields,
        np.concatenate([training, held_out]),
        patch=config.patch,
        targets=lambda labels: targets_and_weight(labels, config.separation),
        percentiles=config.percentiles,
        zoom=config.zoom,
        run=run,
        numbered=scribbled if config.scribbles else None,
    )
    areas = np.concatenate(feed.areas[: len(training)])
    if not len(areas):
        raise InputError(
            f"None of the {len(training)} training masks holds an object: a network cannot learn what to find from "
            "empty masks alone; check the column 'mask'."
            + (" In scribbles 0 is not labelled, 1 is background, and objects are numbered from 2." * config.scribbles)
        )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config, fields.count)
    begin_from(start, model, "unet", config, inputs=fields.count)

    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        x = config.augment(batch.inputs, generator) if module.training else batch.inputs
        return loss_terms(module(x), batch.targets[:, :-1], batch.targets[:, -1], config.separation)

    identity: dict[str, Any] = {
        "method": "unet",
        **config.model_dump(),
        "fields": [fields.name(i) for i in range(len(fields))],
        "train": training.tolist(),
        "channels": fields.count,
    }
    sizes = {row: fields.size(row) for rows in split.values() for row in rows.tolist()}
    patches = {part: repeated(sizes, rows, config.patch) for part, rows in split.items()}
    outcome = train(model, step, feed, patches, config, run, identity)
    diameter = 2 * np.sqrt(areas / np.pi)
    facts: dict[str, Any] = {
        "inputs": fields.count,
        "channels": list(fields.channels),
        "dtype": str(fields.dtype),
        "parameters": sum(p.numel() for p in model.parameters()),
        "split_by": split_by,
        "object_diameter_px": np.percentile(diameter, [1, 25, 50, 75, 99]).round(1).tolist(),
        # Wide enough that an object reaching into a block is whole in the block that owns it.
        "margin": int(np.clip(2 * diameter.max(), _NARROWEST, _WIDEST)),
        "decoding": {"threshold": 0.5, "peak": PEAK, "min_area": 0},
        **outcome.facts,
        "train": len(training),
        "val": len(held_out),
    }
    fitted = Fitted("unet", config, outcome.weights, facts, outcome.history)
    looked_at = FieldSubset(fields, held_out if len(held_out) else training)
    if config.scribbles:  # strokes are no objects: they tell neither sizes nor what counts as found
        del facts["object_diameter_px"]
        facts["margin"] = _WIDEST
        facts["decoding"]["min_area"] = max(1, int(areas.min()) // 4)
    else:
        facts["decoding"] = best_decoding(fitted, looked_at, areas, device=run.device)
    facts["familiar"] = Familiar.noted(seen(fitted, looked_at, device=run.device))
    return fitted
