"""Fit the codec: bits against what is lost, at all levels of quality at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from coverslip.core import Fields, Fitted
from coverslip.methods.slide_codec.config import Config
from coverslip.methods.slide_codec.freezing import frozen
from coverslip.methods.slide_codec.loss import loss_terms
from coverslip.methods.slide_codec.model import Codec, begin, between, middle
from coverslip.methods.slide_codec.patches import PatchFeed
from coverslip.train.batch import Batch
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split


def fit(fields: Fields, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit the codec to fields of slides.

    Parameters
    ----------
    fields : Fields
        RGB images of 8 bits, at least as large as a patch; masks are not looked at. A ``split`` column (train, val,
        test) is honoured.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, checkpoint folder.

    Returns
    -------
    Fitted

    Raises
    ------
    InputError
        If fields are no RGB images of 8 bits, or are smaller than a patch.
    """
    config, run = config or Config(), run or Run()
    split, split_by = training_split(fields, config)
    feed = PatchFeed(fields, np.concatenate([split["train"], split["val"]]).astype(np.intp), config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        codec = Codec(config)
    begin(codec, feed.squares(split["train"], config.seed), middle(config))
    identity: dict[str, Any] = {
        "method": "slide_codec",
        **config.model_dump(mode="json"),
        "fields": [fields.name(i) for i in range(len(fields))],
    }
    patches = {part: feed.repeated(rows) for part, rows in split.items()}
    outcome = train(codec, _step(config), feed, patches, config, run, identity)
    codec.load_state_dict({name: torch.from_numpy(a) for name, a in outcome.weights.items()})
    weights = frozen(codec, config, feed.samples(split["train"], config.seed))
    facts: dict[str, Any] = {
        "parameters": sum(p.numel() for p in codec.parameters()),
        "split_by": split_by,
        **outcome.facts,
        "train": len(split["train"]),
        "val": len(split["val"]),
    }
    return Fitted("slide_codec", config, weights, facts, outcome.history)


def _step(config: Config) -> Any:
    worths = torch.tensor(config.rates)
    shares = torch.tensor(config.emphasis) / sum(config.emphasis)
    most = len(config.rates) - 1

    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        x = batch.inputs
        count = len(x)
        near = torch.multinomial(shares.to(x.device), count, replacement=True, generator=generator)
        level = (near + torch.rand(count, generator=generator, device=x.device) - 0.5).clamp(0, most)
        coded = module(x, level)
        worth = between(worths.log()[:, None].to(x.device), level)[:, 0].exp()
        return loss_terms(x, coded.pixels, coded.bits, worth, msssim=config.msssim, lowest=config.rates[0])

    return step
