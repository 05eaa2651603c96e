"""The network before its first step: where its weights come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples
from coverslip.core.spread import evenly
from coverslip.core.words import number_of
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.inference import (
    shown_shape,
)
from coverslip.methods.classify.model import Classifier, MobileNetV2, build
from coverslip.methods.classify.task import Task
from coverslip.nn.imagenet import put_imagenet

_LOOKED_AT = 512
"""Samples that the mean and deviation of the channels are taken from."""


def trunk_facts(start: Fitted, samples: Samples) -> dict[str, Any]:
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


def begun(
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
