"""The network adapted to one field: some steps on synthetic nuclei on the field itself, and on what is beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.loss import loss_terms
from coverslip.methods.he_nuclei.network import with_weights
from coverslip.methods.he_nuclei.patches import batch_of
from coverslip.methods.he_nuclei.scenes import Scene
from coverslip.nn.device import choose_device


@dataclass(frozen=True)
class Adaptation:
    """How a network is adapted.

    Parameters
    ----------
    steps : int
        Optimiser steps.
    batch, patch : int
        Patches per step, and their side, pixels.
    learning_rate : float
        At the start; it falls as a cosine does.
    real : float
        Share of patches that show mostly what the field itself holds: the weight of what is told from it, as lambda in
        equation 4.6.
    stain : float
        How far colours are changed.
    """

    steps: int = 40
    batch: int = 4
    patch: int = 128
    learning_rate: float = 5e-4
    real: float = 0.6
    stain: float = 0.1


def adapted(
    weights: Mapping[str, np.ndarray],
    scenes: Sequence[Scene],
    config: Config,
    how: Adaptation,
    *,
    device: str = "auto",
) -> dict[str, np.ndarray]:
    """The weights after adaptation.

    Parameters
    ----------
    weights : mapping of str to ndarray
        To begin with; not changed.
    scenes : sequence of Scene
        Parts of the field.
    config : Config
        Settings of the fit; how synthetic nuclei look counts.
    how : Adaptation
        How long, how fast.
    device : str
        Where to compute.
    """
    chosen = choose_device(device)
    model = with_weights(config, weights).to(chosen).to(memory_format=torch.channels_last)
    # Statistics of the normalisation stay: those of four patches would be worse than those of the whole fit.
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=config.weight_decay)
    settings = config.model_copy(update={"patch": how.patch, "real": how.real, "stain": how.stain})
    rng = np.random.default_rng([config.seed, 3])
    for step in range(how.steps):
        for group in optimiser.param_groups:
            group["lr"] = how.learning_rate * 0.5 * (1 + np.cos(np.pi * step / how.steps))
        drawn = [scenes[i] for i in rng.integers(len(scenes), size=how.batch)]
        inputs, targets = (torch.from_numpy(array).to(chosen) for array in batch_of(drawn, scenes, settings, rng))
        terms = loss_terms(model(inputs.contiguous(memory_format=torch.channels_last)), targets, config.lamda)
        optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, config.gradient_clip or float("inf"))
        optimiser.step()
    return {name: t.detach().cpu().contiguous().numpy().copy() for name, t in model.state_dict().items()}
