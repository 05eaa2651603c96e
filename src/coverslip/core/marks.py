"""What is marked in an image: boxes with a class each, and outlines where they were drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from coverslip.core.errors import InputError

Rings = tuple[np.ndarray, ...]
"""The rings ``(V, 2)`` of one outline, ``x, y`` in pixels; what lies in an even number of them is outside."""


@dataclass(frozen=True)
class Marks:
    """The marked objects of one image.

    Parameters
    ----------
    boxes : ndarray of float64, shape (N, 4)
        Left, top, right and bottom edge of each in pixels; the first pixel reaches from 0 to 1.
    names : ndarray of str, shape (N,)
        The class of each.
    outlines : tuple of Rings, or None
        Of each object, where outlines were drawn.
    points : bool
        Whether points were marked, around which boxes were put by a rule.
    """

    boxes: np.ndarray
    names: np.ndarray
    outlines: tuple[Rings, ...] | None = field(default=None, repr=False)
    points: bool = False

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.names), 4):
            raise InputError(f"Marks have four edges for each of {len(self.names)} objects, not {self.boxes.shape}.")
        if self.outlines is not None and len(self.outlines) != len(self.names):
            raise InputError(f"There are {len(self.outlines)} outlines for {len(self.names)} objects.")

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def none(cls, outlined: bool = False) -> Marks:
        """Of an image in which nothing is marked."""
        return cls(np.zeros((0, 4)), np.zeros(0, object), () if outlined else None)

    @property
    def centres(self) -> np.ndarray:
        """``x, y`` of the middle of each box, pixels, ``(N, 2)``."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    def take(self, rows: np.ndarray) -> Marks:
        """Some of them, by number or by a mask."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        outlines = None if self.outlines is None else tuple(self.outlines[int(i)] for i in at)
        return Marks(self.boxes[at], self.names[at], outlines, self.points)


def box_of(rings: Rings) -> np.ndarray:
    """The edges of the smallest box around an outline, ``(4,)``."""
    corners = np.concatenate(rings)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])
