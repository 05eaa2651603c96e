"""Vectors are replaced by their nearest codes, and codes go where vectors are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.nn.quantise import VectorQuantiser


def vectors(n: int = 4, channels: int = 6, side: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("learned_by", ["ema", "gradient"])
def test_each_vector_becomes_the_nearest_code_of_its_group(groups: int, learned_by: str) -> None:
    dim = 6 // groups
    quantiser = VectorQuantiser(7, dim, groups=groups, learned_by=learned_by).eval()
    z = vectors()
    found = quantiser(z)
    table = quantiser.table.detach().numpy()
    for g in range(groups):
        part = z.numpy()[:, g * dim : (g + 1) * dim].transpose(0, 2, 3, 1)
        away = ((part[..., None, :] - table[g]) ** 2).sum(-1)
        np.testing.assert_array_equal(found.indices[:, g].numpy(), away.argmin(-1))
        np.testing.assert_allclose(
            found.map.detach().numpy()[:, g * dim : (g + 1) * dim].transpose(0, 2, 3, 1),
            table[g][away.argmin(-1)],
            atol=1e-6,
        )
    np.testing.assert_allclose(quantiser.look_up(found.indices).detach(), found.map.detach(), atol=1e-6)


def test_gradients_pass_straight_through_and_commit_the_encoder() -> None:
    quantiser = VectorQuantiser(7, 6, beta=0.5).eval()
    z = vectors().requires_grad_()
    found = quantiser(z)
    (passed,) = torch.autograd.grad(found.map.sum(), z, retain_graph=True)
    assert (passed == 1).all()
    (committed,) = torch.autograd.grad(found.loss, z)
    expected = 0.5 * 2 * (z - found.map).detach() / z.numel()
    torch.testing.assert_close(committed, expected)


def test_a_table_learned_by_gradients_moves_and_one_learned_by_means_has_no_gradient() -> None:
    by_gradient = VectorQuantiser(7, 6, learned_by="gradient").eval()
    by_gradient(vectors()).loss.backward()
    assert by_gradient.table.grad is not None
    assert float(by_gradient.table.grad.abs().sum()) > 0
    assert list(VectorQuantiser(7, 6).parameters()) == []


def test_codes_follow_the_mean_of_their_vectors() -> None:
    quantiser = VectorQuantiser(2, 1, decay=0.5, revive_below=0)
    low, high = torch.full((1, 1, 4, 4), -3.0), torch.full((1, 1, 4, 4), 5.0)
    for _ in range(40):
        quantiser(torch.cat([low, high]))
    np.testing.assert_allclose(sorted(quantiser.table.ravel().tolist()), [-3, 5], atol=1e-3)


def test_a_mean_moves_by_one_minus_the_decay() -> None:
    quantiser = VectorQuantiser(1, 1, decay=0.9, revive_below=0)
    quantiser(torch.zeros(1, 1, 2, 2))  # the first batch sets the table: 0
    quantiser(torch.ones(1, 1, 2, 2))
    assert quantiser.table.item() == pytest.approx(0.1, rel=1e-3)


def test_codes_that_nothing_is_near_to_are_revived() -> None:
    z = vectors(16, 2, 8)
    quantiser = VectorQuantiser(16, 2, decay=0.5)
    quantiser.started.fill_(True)
    quantiser.table.fill_(100.0)
    quantiser.total.fill_(100.0)
    used = []
    for _ in range(30):
        used.append(len(quantiser(z).indices.unique()))
    assert used[0] == 1
    assert used[-1] > 12


def test_perplexity_counts_the_codes_in_use() -> None:
    quantiser = VectorQuantiser(8, 1).eval()
    quantiser.table.copy_(torch.arange(8.0)[None, :, None])
    even = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(1, 1, 2, 2)
    assert quantiser(even).perplexity.item() == pytest.approx(4, rel=1e-4)
    assert quantiser(torch.zeros(1, 1, 2, 2)).perplexity.item() == pytest.approx(1, rel=1e-4)


def test_evaluation_changes_nothing_and_two_runs_are_alike() -> None:
    first, second = VectorQuantiser(5, 3), VectorQuantiser(5, 3)
    second.load_state_dict(first.state_dict())
    for seed in range(5):
        a, b = first(vectors(channels=3, seed=seed)), second(vectors(channels=3, seed=seed))
        assert torch.equal(a.map, b.map)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    first.eval()(vectors(channels=3, seed=9))
    assert all(torch.equal(before[name], value) for name, value in first.state_dict().items())
