"""A rectangle of pixels in an image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coverslip.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Region:
    """A half-open rectangle of pixels: rows ``y`` to ``y + height``, columns ``x`` to ``x + width``.

    Parameters
    ----------
    y, x : int
        First row and first column, in pixels. May be negative: a region may reach over the border.
    height, width : int
        Size in pixels, at least 1.
    """

    y: int
    x: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise InputError(
                f"A region needs a height and a width of at least 1 pixel, not {self.height} x {self.width}."
            )

    @property
    def stop_y(self) -> int:
        """The row after the last."""
        return self.y + self.height

    @property
    def stop_x(self) -> int:
        """The column after the last."""
        return self.x + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and the columns, to index an array with."""
        return slice(self.y, self.stop_y), slice(self.x, self.stop_x)

    @property
    def text(self) -> str:
        """As a sheet names it, ``"y512x1024h256w256"``."""
        return f"y{self.y}x{self.x}h{self.height}w{self.width}"

    @classmethod
    def parse(cls, text: str) -> Region:
        """The region that a sheet calls so.

        Raises
        ------
        InputError
            If it is written in another way.
        """
        found = re.fullmatch(r"y(\d+)x(\d+)h(\d+)w(\d+)", text.strip())
        if found is None:
            raise InputError(f"The window '{text}' cannot be read; write such as y512x1024h256w256, in pixels.")
        return cls(*map(int, found.groups()))

    def grown(self, reach: int, height: int, width: int) -> Region:
        """The region and what is up to `reach` pixels around it, as far as an image of that size goes."""
        y, x = max(self.y - reach, 0), max(self.x - reach, 0)
        return Region(y, x, min(self.stop_y + reach, height) - y, min(self.stop_x + reach, width) - x)

    def shared(self, other: Region) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where both lie, as rows and columns of an array of this one and of the other; None if nowhere."""
        y, x = max(self.y, other.y), max(self.x, other.x)
        stop_y, stop_x = min(self.stop_y, other.stop_y), min(self.stop_x, other.stop_x)
        if y >= stop_y or x >= stop_x:
            return None
        own, its = ((slice(y - one.y, stop_y - one.y), slice(x - one.x, stop_x - one.x)) for one in (self, other))
        return own, its
