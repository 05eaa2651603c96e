"""Depth-wise convolutions that halve the size, kept quick on processors with bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StridedDepthwise(nn.Conv2d):
    """A depth-wise convolution with a stride that is found in float32 when a CPU computes in bfloat16.

    The same weights and, but for rounding, the same numbers. The gradient of such a convolution in bfloat16 takes
    oneDNN 3.13 (of torch 2.15) 5 to 15 times as long as in float32 for maps of up to 32 x 32 pixels, which is more
    than all else of a small network together, and still more than as long for maps of 112 x 112 pixels. Without a
    stride bfloat16 is the quicker one.
    """

    @classmethod
    def like(cls, convolution: nn.Conv2d) -> StridedDepthwise:
        """One with the weights of another convolution."""
        made = cls(
            convolution.in_channels,
            convolution.out_channels,
            convolution.kernel_size,  # type: ignore[arg-type]
            stride=convolution.stride,  # type: ignore[arg-type]
            padding=convolution.padding,  # type: ignore[arg-type]
            groups=convolution.groups,
            bias=convolution.bias is not None,
        )
        made.load_state_dict(convolution.state_dict())
        return made

    def forward(self, x: Tensor) -> Tensor:
        """From ``(N, channels, H, W)`` to ``(N, channels, H / stride, W / stride)``."""
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def quick_depthwise(network: nn.Module) -> None:
    """Put a `StridedDepthwise` in the place of every depth-wise convolution of a network that has a stride."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d) and child.groups == child.in_channels > 1 and max(child.stride) > 1:
                setattr(parent, name, StridedDepthwise.like(child))
