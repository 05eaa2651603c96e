"""Depth-wise convolutions that halve the size."""

from __future__ import annotations

import copy

import torch
from torch import nn

from coverslip.nn.depthwise import StridedDepthwise, quick_depthwise


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False), nn.Conv2d(8, 8, 3, groups=8)),
    )


def test_only_depth_wise_convolutions_with_a_stride_are_replaced() -> None:
    quick = network()
    quick_depthwise(quick)
    assert [type(each) for each in quick[1]] == [StridedDepthwise, nn.Conv2d]
    assert type(quick[0]) is nn.Conv2d


def test_the_numbers_and_the_names_of_the_weights_stay_the_same() -> None:
    plain = network()
    quick = copy.deepcopy(plain)
    quick_depthwise(quick)
    x = torch.rand(2, 3, 24, 20)
    assert torch.equal(quick(x), plain(x))
    assert quick.state_dict().keys() == plain.state_dict().keys()


def test_in_bfloat16_they_alone_are_found_in_float32_and_are_so_closer_to_the_truth() -> None:
    plain = network()[1][0]
    quick = StridedDepthwise.like(plain)
    x = torch.rand(2, 8, 24, 20)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, found = plain(x), quick(x)
    assert (rounded.dtype, found.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(found, plain(x))
    found.sum().backward()
    expected = torch.autograd.grad(plain(x).sum(), plain.weight)[0]
    assert quick.weight.grad is not None
    assert torch.allclose(quick.weight.grad, expected, rtol=1e-5)
