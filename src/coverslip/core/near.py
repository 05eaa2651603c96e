"""Boxes that may share pixels, found without looking at all of them."""

from __future__ import annotations

from typing import Generic, TypeVar

from coverslip.core.region import Region

T = TypeVar("T")


class Near(Generic[T]):
    """Things by where their boxes begin, in squares as wide as the widest.

    Parameters
    ----------
    side : int
        No box is higher or wider.
    """

    def __init__(self, side: int) -> None:
        self._side = max(side, 1)
        self._squares: dict[tuple[int, int], list[T]] = {}

    def add(self, box: Region, thing: T) -> None:
        """Note where a thing is."""
        self._squares.setdefault((box.y // self._side, box.x // self._side), []).append(thing)

    def around(self, box: Region) -> list[T]:
        """All things whose boxes may share pixels with this one, and some beside it."""
        row, column = box.y // self._side, box.x // self._side
        squares = ((row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1))
        return [thing for square in squares for thing in self._squares.get(square, ())]
