"""The network adapted to one field: some steps on synthetic nuclei on the field itself, and on what is beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.loss import loss_terms
from coverslip.methods.he_nuclei.network import with_weights
from coverslip.methods.he_nuclei.patches import batch_of
from coverslip.methods.he_nuclei.scenes import Scene
from coverslip.methods.he_nuclei.synthesis import drawn_shapes
from coverslip.nn.device import choose_device

_BATCH = 4
_SHAPES = 100
_STAIN = 0.1
"""How far colours are changed: less than in the fit, for they are those of the image."""


def adapted(
    weights: Mapping[str, np.ndarray],
    scenes: Sequence[Scene],
    config: Config,
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
        Settings of the fit: how synthetic nuclei look, and how long to adapt.
    device : str
        Where to compute.
    """
    chosen = choose_device(device)
    model = with_weights(config, weights).to(chosen).to(memory_format=torch.channels_last)
    # Statistics of the normalisation stay: those of four patches would be worse than those of the whole fit.
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.step_size, weight_decay=config.weight_decay)
    settings = config.model_copy(update={"real": config.lamda, "stain": min(_STAIN, config.stain)})
    rng = np.random.default_rng([config.seed, 3])
    shapes = drawn_shapes(_SHAPES, config, rng)
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.step_size * 0.5 * (1 + np.cos(np.pi * step / config.steps))
        drawn = [scenes[i] for i in rng.integers(len(scenes), size=_BATCH)]
        inputs, targets = (
            torch.from_numpy(array).to(chosen) for array in batch_of(drawn, scenes, shapes, settings, rng)
        )
        terms = loss_terms(model(inputs.contiguous(memory_format=torch.channels_last)), targets, config.geometry)
        optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        nn.utils.clip_grad_norm_(parameters, config.gradient_clip or float("inf"))
        optimiser.step()
    return {name: t.detach().cpu().contiguous().numpy().copy() for name, t in model.state_dict().items()}
