"""Where and how a fit runs: nothing here changes what is fitted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from coverslip.core import InputError


@dataclass(frozen=True)
class Run:
    """Where and how a fit runs.

    Parameters
    ----------
    folder : Path, optional
        Where checkpoints and the history go while fitting; without it nothing is saved on the way.
    resume : bool
        Go on from the checkpoint in `folder`, if there is one.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    devices, nodes : int
        How many devices on each of how many machines (started with torchrun).
    precision : str
        ``"auto"``: bfloat16 where the hardware multiplies it natively, else ``"fp32"``; or one of
        ``"fp32"``, ``"bf16"``, ``"fp16"``.
    max_ram : int, optional
        Bytes that the whole process may take; samples that do not fit are read from disk batch by
        batch. Default: half of the memory that is free.
    save_every : float
        Seconds between checkpoints.
    mark : str
        What tells the samples from others (`coverslip.samples.opening.mark.mark_of`): a checkpoint of others is not
        resumed. Empty: nothing is known of them but what the method itself says.
    """

    folder: Path | None = None
    resume: bool = False
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "auto"
    max_ram: int | None = None
    save_every: float = 10.0
    mark: str = ""

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise InputError(f"There is no device '{self.device}'; choose auto, cpu, cuda or mps.")
        if self.precision not in ("auto", "fp32", "bf16", "fp16"):
            raise InputError(f"There is no precision '{self.precision}'; choose auto, fp32, bf16 or fp16.")
        if self.devices < 1 or self.nodes < 1:
            raise InputError("At least one device on one node is needed.")


def is_main_process() -> bool:
    """Whether this is the process that writes files: the only one, or the first of several."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0) == 0
