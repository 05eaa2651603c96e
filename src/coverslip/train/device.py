"""Which device and which precision."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from coverslip.core.errors import InputError
from coverslip.train.run import Run

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_FABRIC_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def choose_device(device: str) -> str:
    """Turn ``"auto"`` into the best device there is, and refuse one that is not there.

    Raises
    ------
    InputError
        If the device asked for is not available.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there.get(device):
        raise InputError(f"There is no device '{device}' on this machine; say --device cpu or leave it 'auto'.")
    return device


def choose_precision(precision: str, device: str) -> str:
    """Turn ``"auto"`` into bfloat16 where the hardware multiplies it natively, else fp32.

    bfloat16 with channels-last is about 1.6 x as fast as fp32 for training on a CPU that has it, and much
    slower on one that has not.
    """
    from coverslip.nn.speed import native_bfloat16

    if precision != "auto":
        return precision
    return "bf16" if native_bfloat16(device) else "fp32"


def _started() -> tuple[int, int] | None:
    """Processes on each machine and machines, where torchrun has started them already; else None."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return here, int(os.environ["WORLD_SIZE"]) // here


def make_fabric(run: Run) -> tuple[Fabric, str, str]:
    """Launch Lightning Fabric; returns it with the device and the precision chosen."""
    import logging

    from lightning.fabric import Fabric

    for name in ("lightning.fabric", "lightning.pytorch"):  # they announce what `Outcome.facts` records
        logging.getLogger(name).setLevel(logging.WARNING)
    device = choose_device(run.device)
    precision = choose_precision(run.precision, device)
    devices, nodes = _started() or (run.devices, run.nodes)
    several = devices * nodes > 1
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if several else "auto",
        precision=_FABRIC_PRECISION[precision],
    )
    fabric.launch()
    return fabric, device, precision
