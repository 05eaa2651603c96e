"""A rectangle of pixels in an image."""

from __future__ import annotations

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

    @classmethod
    def around(cls, y: float, x: float, height: int, width: int) -> Region:
        """The region of a given size whose centre lies nearest to the point ``(y, x)``.

        The centre of pixel ``(0, 0)`` is the point ``(0, 0)``; a crop of odd size is centred exactly
        on a pixel, one of even size between two.
        """
        top = round(y - (height - 1) / 2)
        left = round(x - (width - 1) / 2)
        return cls(top, left, height, width)

    @property
    def stop_y(self) -> int:
        """The row after the last."""
        return self.y + self.height

    @property
    def stop_x(self) -> int:
        """The column after the last."""
        return self.x + self.width

    @property
    def centre(self) -> tuple[float, float]:
        """The centre ``(y, x)`` in pixels."""
        return self.y + (self.height - 1) / 2, self.x + (self.width - 1) / 2

    def intersect(self, other: Region) -> Region | None:
        """The pixels that both regions hold, or None where they don't meet."""
        y, x = max(self.y, other.y), max(self.x, other.x)
        height = min(self.stop_y, other.stop_y) - y
        width = min(self.stop_x, other.stop_x) - x
        return Region(y, x, height, width) if height > 0 and width > 0 else None

    def shift(self, dy: int, dx: int) -> Region:
        """The same rectangle, moved by ``dy`` rows and ``dx`` columns."""
        return Region(self.y + dy, self.x + dx, self.height, self.width)
