"""The value of a detector: objects of an image with their edges, class and score, and regions that they lie in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.marks import Marks, Rings
from coverslip.core.words import number_of

UNNAMED = "not staged"
"""What objects are called whose votes disagree, so that they have no class."""


@dataclass(frozen=True, repr=False)
class Detections:
    """Objects of one image.

    Parameters
    ----------
    classes : tuple of str
        Names of the K classes.
    boxes : ndarray of float64, shape (N, 4)
        Left, top, right and bottom edge, pixels of the image; the first pixel reaches from 0 to 1.
    codes : ndarray of int, shape (N,)
        The class of each as a place in `classes`; -1 where votes disagree.
    score : ndarray of float64, shape (N,)
        How sure, 0 to 1.
    source : str
        The image, with the part of its file that is meant (``a.ome.tif series 1``).
    size : tuple of int
        Its height and width.
    pixel_size : PixelSize or None
        Micrometres per pixel, where known.
    provenance : mapping
        Inputs with hashes, model, seed, versions.
    columns : mapping of str to ndarray, shape (N,)
        What else is known of each: ``votes`` and ``agreed`` (of how many views), ``share`` of the votes for the class
        and ``pieces`` of a region, ``region``, markers.
    outlines : tuple of Rings, or None
        Of each object, where they are known.
    regions : Detections or None
        Regions of the same image, which the objects lie in; the column ``region`` holds their numbers, from 1, and 0.
    excluded : tuple of Rings
        Areas that were left out.
    """

    classes: tuple[str, ...]
    boxes: np.ndarray
    codes: np.ndarray
    score: np.ndarray
    source: str
    size: tuple[int, int]
    pixel_size: PixelSize | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    outlines: tuple[Rings, ...] | None = None
    regions: Detections | None = None
    excluded: tuple[Rings, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.codes)
        if self.boxes.shape != (count, 4) or self.score.shape != (count,):
            raise InputError(
                f"{self.source}: {count} classes, but boxes {self.boxes.shape}, scores {self.score.shape}."
            )
        if count and not (int(self.codes.min()) >= -1 and int(self.codes.max()) < len(self.classes)):
            raise InputError(f"{self.source}: classes are numbered from 0 to {len(self.classes) - 1}.")
        for name, column in self.columns.items():
            if len(column) != count:
                raise InputError(f"{self.source}: the column '{name}' has {len(column)} rows for {count} objects.")
        if self.outlines is not None and len(self.outlines) != count:
            raise InputError(f"{self.source}: there are {len(self.outlines)} outlines for {count} objects.")

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        counts = ", ".join(f"{(self.codes == k).sum():,} {name}" for k, name in enumerate(self.classes))
        return f"Detections({number_of(len(self), 'object')}: {counts}; source={self.source!r})"

    @property
    def names(self) -> np.ndarray:
        """The class of each in words, `UNNAMED` where there is none; ``(N,)``."""
        return np.array([*self.classes, UNNAMED], dtype=object)[self.codes]

    @property
    def named(self) -> np.ndarray:
        """Which have a class, ``(N,)`` bool."""
        return self.codes >= 0

    @property
    def centres(self) -> np.ndarray:
        """``x, y`` of the middle of each box, pixels, ``(N, 2)``."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    def take(self, rows: np.ndarray) -> Detections:
        """Some of the objects, by number or by a mask."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            boxes=self.boxes[at],
            codes=self.codes[at],
            score=self.score[at],
            columns={name: column[at] for name, column in self.columns.items()},
            outlines=None if self.outlines is None else tuple(self.outlines[int(i)] for i in at),
        )

    def with_columns(self, **columns: np.ndarray) -> Detections:
        """The same with further columns."""
        return replace(self, columns={**self.columns, **columns})

    def marks(self) -> Marks:
        """The objects that have a class as marks, such as a model can be fitted to."""
        kept = self.take(self.named)
        return Marks(kept.boxes, kept.names, kept.outlines)
