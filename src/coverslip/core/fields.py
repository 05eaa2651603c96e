"""What a segmentation method learns from: whole fields of any size, with or without a mask for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import Image


@runtime_checkable
class Fields(Protocol):
    """Images of any size but the same channels, with one row of facts each and, for training, a mask each.

    `coverslip.sample.open_fields` makes them from sheets, folders, images and arrays.
    """

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""

    @property
    def count(self) -> int:
        """How many channels every field has."""

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact (``group``, ``split``, …), each of length ``len(self)``."""

    @property
    def has_labels(self) -> bool:
        """Whether there is a mask for every field."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What to call a field in a message and in a file name: the path of its image."""

    def image(self, index: int) -> Image:
        """The image as it lies in the file; nothing is read."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a field."""

    def pixels(self, index: int) -> np.ndarray:
        """Read a field: ``(C, H, W)``, dtype as stored."""

    def labels(self, index: int) -> np.ndarray:
        """Read the mask of a field: ``(H, W)`` integers, 0 is background."""


class FieldSubset:
    """Some rows of other fields, in a given order."""

    def __init__(self, fields: Fields, indices: Sequence[int] | np.ndarray) -> None:
        self.fields = fields
        self.indices = np.asarray(indices, dtype=np.intp)
        if not len(self.indices):
            raise InputError("There are no fields to take.")

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""
        return self.fields.dtype

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self.fields.channels

    @property
    def count(self) -> int:
        """How many channels every field has."""
        return self.fields.count

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return {key: column[self.indices] for key, column in self.fields.obs.items()}

    @property
    def has_labels(self) -> bool:
        """Whether there is a mask for every field."""
        return self.fields.has_labels

    def __len__(self) -> int:
        return len(self.indices)

    def name(self, index: int) -> str:
        """The path of a field's image."""
        return self.fields.name(int(self.indices[index]))

    def image(self, index: int) -> Image:
        """The image as it lies in the file; nothing is read."""
        return self.fields.image(int(self.indices[index]))

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a field."""
        return self.fields.size(int(self.indices[index]))

    def pixels(self, index: int) -> np.ndarray:
        """Read a field: ``(C, H, W)``, dtype as stored."""
        return self.fields.pixels(int(self.indices[index]))

    def labels(self, index: int) -> np.ndarray:
        """Read the mask of a field: ``(H, W)`` integers."""
        return self.fields.labels(int(self.indices[index]))
