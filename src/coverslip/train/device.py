"""Devices and processes joined for one fit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from coverslip.nn.device import choose_device, choose_precision
from coverslip.train.run import Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins import Precision

_MIXED: dict[str, Literal["bf16-mixed", "16-mixed"]] = {"bf16": "bf16-mixed", "fp16": "16-mixed"}


def _started() -> tuple[int, int] | None:
    """Processes on each machine and machines, where torchrun has started them already; else None."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return here, int(os.environ["WORLD_SIZE"]) // here


def make_fabric(run: Run) -> tuple[Fabric, str, str]:
    """Launch Lightning Fabric; returns it with the device and the precision chosen."""
    import logging

    from lightning_fabric import Fabric

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces what `Outcome.facts` records
    device = choose_device(run.device)
    precision = choose_precision(run.precision, device)
    devices, nodes = _started() or (run.devices, run.nodes)
    several = devices * nodes > 1
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if several else "auto",
        plugins=_mixed(precision, device) if precision in _MIXED else None,
    )
    fabric.launch()
    return fabric, device, precision


def _mixed(precision: str, device: str) -> Precision:
    """Half precision in the operations that stand it, by autocast; what a network is given keeps its own.

    Fabric rounds that too, whatever it is: a box at pixel 301 would lie at 300 in bfloat16, and torchvision refuses it.
    """
    from lightning_fabric.plugins import MixedPrecision

    class Given(MixedPrecision):
        def convert_input(self, data: Any) -> Any:
            return data

    return Given(_MIXED[precision], device)
