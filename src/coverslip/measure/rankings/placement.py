"""Whether samples that look like a class are placed inside its range: the thesis' last test of a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coverslip.measure.rankings.separation import finite


@dataclass(frozen=True)
class Placement:
    """Where look-alikes of a class are placed.

    Parameters
    ----------
    outside : int
        Look-alikes below the lowest or above the highest sample of the class.
    n : int
        Look-alikes.
    low, high : float
        The range of the class.
    """

    outside: int
    n: int
    low: float
    high: float

    @property
    def inside(self) -> float:
        """Share of look-alikes inside the range."""
        return 1 - self.outside / self.n


def placement(reference: Any, alike: Any) -> Placement:
    """Count the look-alikes of a class that are placed outside its range.

    Parameters
    ----------
    reference : array, shape (N,)
        Scores of the class.
    alike : array, shape (M,)
        Scores of samples that someone who knows took for alike.

    References
    ----------
    Babu: Determination of drug efficacy on pancreatic tumor 3D spheroidal tissues, 2024, table 10.1.
    """
    inside, tested = finite(reference), finite(alike)
    low, high = float(inside.min()), float(inside.max())
    return Placement(int(((tested < low) | (tested > high)).sum()), len(tested), low, high)
