"""The layer table: every parameter and every product in exactly one row."""

from __future__ import annotations

import torch
from torch import nn

from coverslip.nn.summary import layer_table


class Attentive(nn.Module):
    """Products of its input with itself, outside of any layer."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 5, 8) to (N, 5, 4)."""
        out: torch.Tensor = (x @ x.mT) @ self.value(x)
        return out


class Pyramid(nn.Module):
    """Gives back its map and a smaller one, as a list with names."""

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[str]]:
        """(N, C, H, W)."""
        return [x, x[..., ::2, ::2]], ["0", "pool"]


def test_what_is_computed_between_the_layers_has_a_row_of_its_own() -> None:
    net = Attentive()
    rows = layer_table(net, net, (5, 8))
    assert [(row.kind, row.mult_adds, row.parameters) for row in rows] == [
        ("Linear (value)", 5 * 8 * 4, 36),
        ("between the layers", 5 * 8 * 5 + 5 * 5 * 4, 0),
    ]


def test_convolutions_count_by_their_groups() -> None:
    net = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1))
    rows = layer_table(net, net, (8, 10, 12))
    assert [row.mult_adds for row in rows] == [9 * 8 * 120, 8 * 16 * 120]


def test_of_a_list_of_maps_the_last_is_shown() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), Pyramid())
    assert [row.shape for row in layer_table(net, net, (1, 8, 8))] == [(1, 2, 8, 8), (1, 2, 4, 4)]
