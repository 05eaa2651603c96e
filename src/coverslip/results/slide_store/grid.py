"""How a level is divided: chunks of tiles of positions of latents."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

TILE = 512
"""Pixels along each side of a tile, which is decoded by itself."""
TILES = 4
"""Tiles along each side of a chunk, which is one file."""


@dataclass(frozen=True)
class Grid:
    """The division of one level.

    Parameters
    ----------
    height, width : int
        Pixels of the level.
    side : int
        Pixels along each side of a position of latents.
    tile : int
        Pixels along each side of a tile, a multiple of two positions.
    """

    height: int
    width: int
    side: int
    tile: int = TILE

    @property
    def chunk(self) -> int:
        """Pixels along each side of a chunk."""
        return TILES * self.tile

    @property
    def chunks(self) -> tuple[int, int]:
        """How many chunks there are, down and across."""
        return ceil(self.height / self.chunk), ceil(self.width / self.chunk)

    @property
    def positions(self) -> tuple[int, int]:
        """Positions of latents, down and across: even numbers that cover the image."""
        two = 2 * self.side
        return 2 * ceil(self.height / two), 2 * ceil(self.width / two)

    @property
    def per_tile(self) -> int:
        """Positions along each side of a tile."""
        return self.tile // self.side

    def size(self, row: int, column: int) -> tuple[int, int]:
        """Positions of a tile, down and across; none or fewer at the end of the image."""
        side = self.per_tile
        down, across = (min(side, n - i * side) for n, i in zip(self.positions, (row, column), strict=True))
        return max(down, 0), max(across, 0)
