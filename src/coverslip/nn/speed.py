"""Networks made fast for inference."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import nn

from coverslip.core import pulse
from coverslip.nn.blocks import fold_batch_norm, split_up_blocks
from coverslip.nn.device import native_bfloat16

Speed = Literal["auto", "eager", "channels_last", "bf16", "compiled"]
"""Ways to run a network: as it was trained; channels last in memory, normalisation folded into the convolutions; that
in bfloat16; that compiled. ``"auto"`` is bf16 where the hardware multiplies it natively, else channels_last."""


class Quick:
    """A copy of a trained network made ready for inference; call it with a batch.

    Parameters
    ----------
    module : nn.Module
        Trained; not changed.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    speed : Speed
        How to run it. Compiling takes most of a minute at the first call for each size, and a C++ compiler on a CPU.
    """

    def __init__(self, module: nn.Module, device: str, speed: Speed = "auto") -> None:
        if speed == "auto":
            speed = "bf16" if native_bfloat16(device) else "channels_last"
        self.device, self.speed = device, speed
        self.dtype = torch.bfloat16 if speed in ("bf16", "compiled") and device != "mps" else torch.float32
        self.format = torch.contiguous_format if speed == "eager" else torch.channels_last
        module = copy.deepcopy(module).eval()
        if speed != "eager":
            module = split_up_blocks(fold_batch_norm(module))
        self.module = module.to(device=device, dtype=self.dtype, memory_format=self.format)  # type: ignore[call-overload]
        if speed == "compiled":
            self.module.compile()

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Apply the network to ``(N, C, H, W)`` float32; gives float32 on the device."""
        pulse()
        with torch.inference_mode():
            found: torch.Tensor = self.module(batch.to(self.device, self.dtype, memory_format=self.format))
            return found.float()
