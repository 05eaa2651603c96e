"""The state of a fit as tensors and text: nothing is pickled, and a kill leaves the last whole one.

What is saved is enough to go on bit for bit: weights, best weights, the optimiser's moments, where in which
epoch it was, and the sums of that epoch so far. Order and noise need no saving, for they follow from the seed,
the epoch and the step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io.agreement import agree
from coverslip.io.tensors import read_tensors, write_tensors

if TYPE_CHECKING:
    import torch

_FILE = "checkpoint.safetensors"


@dataclass
class Progress:
    """Where a fit stands.

    Parameters
    ----------
    epoch, step : int
        Epochs finished; steps finished in the present one.
    sums : list of float
        Sums of the loss terms over the samples of the present epoch, then the number of samples.
    history : list of dict
        One row per finished epoch.
    best_loss, best_epoch : float, int
        Lowest validation loss and its epoch, counted from 1; infinity and 0 before the first.
    """

    epoch: int = 0
    step: int = 0
    sums: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    best_loss: float = float("inf")
    best_epoch: int = 0


def save_checkpoint(
    folder: Path,
    identity: Mapping[str, Any],
    progress: Progress,
    module: Mapping[str, torch.Tensor],
    best: Mapping[str, torch.Tensor] | None,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write the state of a fit, atomically.

    Parameters
    ----------
    folder : Path
        Holds one checkpoint, replaced by each next one.
    identity : mapping
        What the fit is of (settings, data); resuming something else is refused.
    progress, module, best, optimiser
        The state.
    """
    arrays: dict[str, np.ndarray] = {f"model.{name}": t.detach().cpu().numpy() for name, t in module.items()}
    arrays |= {f"best.{name}": t.detach().cpu().numpy() for name, t in (best or {}).items()}
    for index, state in optimiser.state_dict()["state"].items():
        arrays |= {f"optimiser.{index}.{key}": value.detach().cpu().numpy() for key, value in state.items()}
    text = {"identity": json.dumps(identity, sort_keys=True), "progress": json.dumps(asdict(progress))}
    write_tensors(folder / _FILE, arrays, text)


def load_checkpoint(
    folder: Path, identity: Mapping[str, Any], module: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[Progress, dict[str, torch.Tensor] | None] | None:
    """Put the state of a fit back; None if there is no checkpoint yet.

    Raises
    ------
    InputError
        If the checkpoint is of a fit with other settings or data; the message names what differs.
    """
    import torch

    path = folder / _FILE
    if not path.exists():
        return None
    arrays, text = read_tensors(path)
    agree(
        json.loads(text["identity"]),
        identity,
        f"The unfinished fit in {folder} was begun",
        "resume it with the same settings and samples, or delete that folder to start over",
    )
    progress = Progress(**json.loads(text["progress"]))

    tensors = {name: torch.from_numpy(np.array(a)) for name, a in arrays.items()}
    module.load_state_dict(_below(tensors, "model."))
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in _below(tensors, "optimiser.").items():
        index, key = name.split(".", 1)
        of = parameters[int(index)]
        # A fused optimiser walks parameter and moment side by side in memory: their layouts must agree.
        laid_out = torch.empty_like(of, dtype=tensor.dtype).copy_(tensor) if tensor.shape == of.shape else tensor
        state.setdefault(int(index), {})[key] = laid_out
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return progress, _below(tensors, "best.") or None


def _below(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
