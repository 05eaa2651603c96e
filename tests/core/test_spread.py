"""Some of many, spread evenly."""

from __future__ import annotations

import pytest

from coverslip.core.spread import evenly


@pytest.mark.parametrize(("count", "most", "rows"), [(0, 3, []), (1, 3, [0]), (3, 5, [0, 1, 2]), (9, 3, [0, 4, 8])])
def test_first_and_last_are_among_them(count: int, most: int, rows: list[int]) -> None:
    assert evenly(count, most).tolist() == rows


def test_none_is_taken_twice() -> None:
    assert all(len(evenly(count, most)) == min(count, most) for count in range(60) for most in range(1, 60))
