"""Residual trunks: strided 1 x 1 convolutions of few channels, whose kernels in oneDNN write beside their memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from coverslip.nn.blocks import fold_batch_norm
from coverslip.nn.trunk import NARROW, TRUNKS, Pointwise, Trunk


class Convolutions(TorchDispatchMode):
    """Notes the weights' shape and the stride of every convolution that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[torch.Size, list[int]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default:
            self.seen.append((args[1].shape, args[3]))
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("kind", ["resnet18", "resnet50"])
@pytest.mark.parametrize("width", [1, 3, 8, NARROW - 1])
def test_no_strided_convolution_of_one_pixel_has_few_channels(kind: str, width: int) -> None:
    with Convolutions() as convolutions, torch.no_grad():
        Trunk(kind, 2, width, stem="small")(torch.rand(2, 2, 17, 20))
    assert len(convolutions.seen) == 1 + sum(TRUNKS[kind][1]) * (2 if kind == "resnet18" else 3) + 3 + (
        kind == "resnet50"
    )
    assert not [w for w, stride in convolutions.seen if w[2:] == (1, 1) and stride != [1, 1] and w[1] < NARROW]


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (32, 33)])
@pytest.mark.parametrize("channels", [1, 6, 15])
def test_it_is_the_strided_convolution(channels: int, size: tuple[int, int]) -> None:
    x = torch.rand(3, channels, *size, dtype=torch.float64, requires_grad=True)
    convolution = Pointwise(channels, 4, 2).double()
    ours, theirs = convolution(x), F.conv2d(x, convolution.weight, stride=2)
    up = torch.rand_like(ours)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(
        *(torch.autograd.grad(y, (x, convolution.weight), up) for y in (ours, theirs)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_normalisation_is_folded_into_it() -> None:
    trunk = Trunk("resnet18", 1, 4, stem="small")
    shortcut = trunk.layer2[0].downsample
    shortcut[1].running_mean.add_(1.0)
    shortcut[1].bias.data.add_(2.0)
    shortcut.eval()
    x = torch.rand(2, 4, 9, 9)
    with torch.no_grad():
        before = shortcut(x)
        torch.testing.assert_close(fold_batch_norm(shortcut)(x), before)
