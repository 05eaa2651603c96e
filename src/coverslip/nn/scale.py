"""At what zoom a network sees objects of the size that it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LOOKS = (1 / 16, 1 / 8, 1 / 4)
"""Zooms at which a field is looked at before; together they cost a twelfth of a look at its own size."""
ENLARGED = 4.0
"""At most so many times."""
LARGEST = 4096
"""Side of what is worked at at once, pixels shown: a field, or a block of a large one, is not enlarged to more."""
NO_SIZES = "The model does not say what sizes of objects it was fitted to; leave --diameter out."
"""What is said where a diameter is asked for in vain."""
_LEAST_SIDE = 48
"""Pixels: a field that a look would show smaller is not looked at so."""
_FEWEST = 3
"""Of fewer objects no size is told: one blob of noise is not a large object."""
_NEARER, _GROWN = 1.5, 1.2
"""Shown so many times larger, objects must be so many times larger at least."""


def diameter(areas: np.ndarray) -> float | None:
    """The diameter that half of the area of objects lies below; None, if there are too few.

    Parameters
    ----------
    areas : ndarray, shape (n,)
        Pixels of each object.

    Returns
    -------
    float or None
        Of a disc of the same area, pixels. Debris hardly counts, and neither do single giants.
    """
    if len(areas) < _FEWEST:
        return None
    ordered = np.sort(areas)
    half = np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)
    return float(np.sqrt(4 * ordered[half] / np.pi))


@dataclass(frozen=True)
class Known:
    """The sizes of objects that a network was fitted to.

    Parameters
    ----------
    typical, largest : float
        Their median and their 99th percentile, pixels of diameter.
    """

    typical: float
    largest: float

    @classmethod
    def of(cls, percentiles: Sequence[float]) -> Known:
        """From the 1st, 25th, 50th, 75th and 99th percentile."""
        return cls(float(percentiles[2]), float(percentiles[4]))

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Known | None:
        """As a fit noted them, ``object_diameter_px``; None if it did not."""
        found = facts.get("object_diameter_px")
        return None if found is None else cls.of(found)

    def zoom_for(self, diameter: float) -> float:
        """The zoom that shows objects of a diameter, pixels, at the typical size."""
        return min(self.typical / diameter, ENLARGED)

    def told(self, size: tuple[int, int], look: Callable[[float], np.ndarray], largest: float) -> float:
        """The zoom at which the objects of a field are shown best.

        Parameters
        ----------
        size : tuple of int
            Height and width of the field.
        look : callable
            As for `reduced`.
        largest : float
            The field is not enlarged to more.
        """
        zoom = self.reduced(size, look)
        if zoom is not None:
            return zoom
        zoom = self.other(look(1.0))
        return zoom if zoom is not None and zoom <= largest and self.confirmed(look(zoom)) else 1.0

    def reduced(self, size: tuple[int, int], look: Callable[[float], np.ndarray]) -> float | None:
        """The zoom for objects larger than the network knows; None, if there seem to be none.

        A large object falls to pieces at its own size, but is whole when it is shown small. Looks go from the smallest
        up: one in which objects have at least half the typical size tells how large they are. Two more must confirm
        it: at the zoom that follows from it they have about the typical size, and a little nearer they look larger.
        Clumps of small objects, which are one in a small picture, come apart instead.

        Parameters
        ----------
        size : tuple of int
            Height and width of the field.
        look : callable
            Gives the areas of the objects that are found at a zoom, in pixels of that zoom.
        """
        for zoom in LOOKS:
            if min(size) * zoom < _LEAST_SIDE:
                continue
            seen = diameter(look(zoom))
            if seen is None or seen < self.typical / 2 or seen / zoom <= self.largest:
                continue
            better = zoom * self.zoom_for(seen)
            shown = diameter(look(better)) or 0.0
            nearer = diameter(look(_NEARER * better)) or 0.0
            if self._typical(shown) and nearer >= _GROWN * shown:
                return better
        return None

    def other(self, areas: np.ndarray) -> float | None:
        """A zoom worth trying, after objects were found at the field's own size; None, if that was right."""
        seen = diameter(areas)
        if seen is None or self.typical / 2 <= seen <= self.largest:
            return None
        return self.zoom_for(seen)

    def doubts(self, areas: np.ndarray) -> tuple[str, ...]:
        """What is strange about the sizes of objects as they are shown, in words; nothing about known ones."""
        seen = diameter(areas)
        if seen is None or self.typical / 4 <= seen <= self.largest:
            return ()
        return (f"its objects look {'larger' if seen > self.largest else 'smaller'} than those of the fit",)

    def confirmed(self, areas: np.ndarray) -> bool:
        """Whether objects found at a zoom have about the typical size there."""
        return self._typical(diameter(areas) or 0.0)

    def _typical(self, shown: float) -> bool:
        return self.typical / 2 <= shown <= 1.6 * self.typical
