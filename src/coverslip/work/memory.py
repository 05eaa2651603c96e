"""How large blocks may be, so that work on them stays within some memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coverslip.core import resident_memory

_STEP = 256
_FIXED = 800 << 20
"""What Python and its libraries take, at least."""


@dataclass(frozen=True)
class Footprint:
    """Memory that work on a block takes.

    Tools have a ``margin``, how far windows reach over their blocks, pixels, and ``tile_bytes``, the memory of this
    machine that their network takes at work.

    Parameters
    ----------
    largest : int
        Side of blocks where memory allows, pixels, without their margins.
    per_pixel : int
        Bytes that the work takes for each pixel of a window, beside the network.
    """

    largest: int
    per_pixel: int

    def side(self, memory: int | None, tool: Any, blocks: int) -> int:
        """The side of blocks, without their margins, that stay within some memory.

        Parameters
        ----------
        memory : int or None
            Bytes that the process may take; None: as large as pays.
        tool : Any
            Just made.
        blocks : int
            How many are worked on at once.

        Returns
        -------
        int
            0 if even the smallest is too large.
        """
        if memory is None:
            return self.largest
        window = ((memory - _fixed()) / blocks - tool.tile_bytes) / self.per_pixel
        side = int(max(window, 0) ** 0.5) - 2 * tool.margin
        return min(max(side, 0) // _STEP * _STEP, self.largest)

    def needed(self, tool: Any, blocks: int) -> int:
        """Bytes that the smallest blocks need."""
        return _fixed() + blocks * (tool.tile_bytes + self.per_pixel * (_STEP + 2 * tool.margin) ** 2)


def _fixed() -> int:
    return max(_FIXED, resident_memory())
