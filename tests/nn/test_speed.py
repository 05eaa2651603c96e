"""A network made fast says what it said before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from coverslip.nn.speed import Quick, Speed, native_bfloat16
from coverslip.nn.unet import UNet


@pytest.fixture(scope="module")
def network() -> UNet:
    """With normalisation that does something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = UNet(2, 2, width=8, levels=3, stem=2)
        made.train()
        for _ in range(5):
            made(torch.rand(2, 2, 64, 64))
    return made.eval()


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    return torch.rand(2, 2, 64, 88, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("speed", "error"), [("eager", 0.0), ("channels_last", 1e-4), ("bf16", 0.05)])
def test_outputs_are_those_of_the_network(network: UNet, batch: torch.Tensor, speed: Speed, error: float) -> None:
    with torch.inference_mode():
        expected = network(batch)
    found = Quick(network, "cpu", speed)(batch)
    assert found.dtype == torch.float32
    assert expected.std() > 0.1
    assert (found - expected).abs().max() <= error * expected.abs().max()


def test_the_network_itself_is_left_alone(network: UNet, batch: torch.Tensor) -> None:
    before = {name: values.clone() for name, values in network.state_dict().items()}
    Quick(network, "cpu", "bf16")(batch)
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], values) for name, values in before.items())


def test_the_fastest_way_is_the_default(network: UNet) -> None:
    assert Quick(network, "cpu").speed == ("bf16" if native_bfloat16("cpu") else "channels_last")


def test_all_but_eager_neither_normalises_nor_enlarges(network: UNet) -> None:
    kinds = {type(module).__name__ for module in Quick(network, "cpu", "channels_last").module.modules()}
    assert "SplitUpBlock" in kinds
    assert not kinds & {"BatchNorm2d", "UpBlock"}
    plain = Quick(network, "cpu", "eager").module
    assert any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
