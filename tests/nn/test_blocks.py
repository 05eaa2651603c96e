"""Blocks made fast say the same as the blocks they were made of."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coverslip.nn.blocks import ConvBlock, SplitUpBlock, UpBlock, fold_batch_norm, split_up_blocks


def trained(block: nn.Module, seed: int = 0) -> nn.Module:
    """A block whose normalisation is not that of the start."""
    generator = torch.Generator().manual_seed(seed)
    for name, values in block.state_dict().items():
        if values.is_floating_point():
            low, high = (0.5, 2.0) if "running_var" in name else (-0.5, 0.5)
            values.uniform_(low, high, generator=generator)
    return block.eval()


def test_folding_leaves_no_normalisation_and_the_same_outputs() -> None:
    block = trained(ConvBlock(3, 5))
    x = torch.rand(2, 3, 9, 7)
    with torch.no_grad():
        before = block(x)
        folded = fold_batch_norm(block)
        torch.testing.assert_close(folded(x), before, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert before.std() > 0.1


@given(
    below=st.integers(1, 5),
    here=st.integers(1, 4),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    count=st.integers(1, 2),
    seed=st.integers(0, 10),
)
@settings(max_examples=40)
def test_a_split_block_is_the_block_at_every_pixel(
    below: int, here: int, height: int, width: int, count: int, seed: int
) -> None:
    block = trained(UpBlock(below, here), seed)
    generator = torch.Generator().manual_seed(seed)
    deep = torch.randn(count, below, height, width, generator=generator)
    skip = torch.randn(count, here, 2 * height, 2 * width, generator=generator)
    with torch.no_grad():
        expected = block(deep, skip)
        split = SplitUpBlock(fold_batch_norm(block))  # type: ignore[arg-type]
        found = split(deep, skip)
    assert found.shape == (count, here, 2 * height, 2 * width)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_an_up_block_enlarges_by_repeating_pixels() -> None:
    block = UpBlock(1, 1)
    with torch.no_grad():
        block[0].weight.zero_()
        block[0].weight[0, 0, 1, 1] = block[0].weight[0, 1, 1, 1] = 1
    found = block[0](torch.cat([torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4)], 1))
    assert found.tolist() == [[[[1.0] * 4] * 2]]
    seen = []
    block[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    block.eval()(torch.tensor([[[[1.0, 2.0]]]]), torch.full((1, 1, 2, 4), 5.0))
    assert seen[0].tolist() == [[[[1.0, 1.0, 2.0, 2.0]] * 2, [[5.0] * 4] * 2]]


def test_every_up_block_of_a_network_is_split() -> None:
    network = nn.ModuleDict({"up": nn.ModuleList([UpBlock(4, 2), UpBlock(2, 2)]), "exit": nn.Conv2d(2, 1, 1)})
    split = split_up_blocks(fold_batch_norm(network.eval()))
    kinds = [type(child).__name__ for child in split["up"]]  # type: ignore[index]
    assert kinds == ["SplitUpBlock", "SplitUpBlock"]


def test_a_block_that_still_normalises_is_not_split() -> None:
    with pytest.raises(AssertionError):
        SplitUpBlock(UpBlock(2, 2))
