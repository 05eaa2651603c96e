"""What a segmentation method learns from: whole fields of any size, with or without a mask for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.core.region import Region

NoDataRule = float | Literal["auto", "none"]
"""Which pixels hold no image: areas of this value, areas that look like it, or none."""


def nodata_rule(given: Any) -> NoDataRule:
    """What was said of pixels that hold no image, which may be text.

    Raises
    ------
    InputError
        If it is neither ``auto`` nor ``none`` nor a number.
    """
    if given == "auto" or given == "none":
        return "auto" if given == "auto" else "none"
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"nodata='{given}' is not known; say auto, none or a grey value.")
    return value


@runtime_checkable
class Fields(Protocol):
    """Images of any size but the same channels, with one row of facts each and, for training, a mask each.

    `coverslip.samples.open_fields` makes them from sheets, folders, images and arrays.
    """

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the first file; others may differ."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""

    def channels_of(self, index: int) -> tuple[str, ...]:
        """What a field itself calls its channels; empty where unknown."""

    @property
    def count(self) -> int:
        """How many channels every field has."""

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact (``group``, ``split``, …), each of length ``len(self)``."""

    @property
    def has_labels(self) -> bool:
        """Whether there is a mask for every field."""

    @property
    def nodata(self) -> NoDataRule:
        """Which pixels hold no image, see `coverslip.samples.opening.nodata`."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What to call a field in a message and in a file name: the path of its image."""

    def image(self, index: int) -> Image:
        """The image as it lies in the file; nothing is read."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a field."""

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Read a field, or a region of it: ``(C, H, W)``, dtype as stored."""

    def labels(self, index: int) -> np.ndarray:
        """Read the mask of a field: ``(H, W)`` integers, 0 is background."""


class ArrayFields:
    """Fields over arrays in memory.

    Parameters
    ----------
    images : sequence of ndarray, each (C, H, W) or (H, W)
        The images, dtype as stored; sizes may differ.
    labels : sequence of ndarray, each (H, W), optional
        A mask of integers for each.
    obs : mapping of str to sequence, optional
        One column per fact.
    channels : sequence of str, optional
        Channel names.
    nodata : float or {"auto", "none"}
        Which pixels hold no image.

    Raises
    ------
    InputError
        If images differ in channels, or a mask does not fit its image.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        labels: Sequence[np.ndarray] | None = None,
        obs: Mapping[str, Sequence[Any]] | None = None,
        channels: Sequence[str] = (),
        nodata: NoDataRule = "auto",
    ) -> None:
        self._arrays = [image[None] if image.ndim == 2 else image for image in images]
        self._labels = None if labels is None else list(labels)
        self._obs = {key: np.asarray(column) for key, column in (obs or {}).items()}
        self._channels = tuple(channels)
        self._nodata = nodata_rule(nodata)
        if not self._arrays:
            raise InputError("There are no images; give at least one.")
        first = self._arrays[0]
        for i, array in enumerate(self._arrays):
            if array.ndim != 3 or len(array) != len(first):
                raise InputError(
                    f"{self.name(i)} is {array.shape}, the first {first.shape}: fields are (C, H, W) or (H, W), with "
                    "the same number of channels."
                )
        columns: dict[str, Any] = dict(self._obs) if self._labels is None else {"masks": self._labels, **self._obs}
        for key, column in columns.items():
            if len(column) != len(self._arrays):
                raise InputError(f"There are {len(self._arrays)} images, but {len(column)} of '{key}'.")
        for i, mask in enumerate(self._labels or ()):
            if mask.shape != self._arrays[i].shape[1:] or mask.dtype.kind not in "iu":
                raise InputError(
                    f"The mask of {self.name(i)} is {mask.shape} {mask.dtype}; it should be integers of the image's "
                    f"size {self._arrays[i].shape[1:]}."
                )

    @property
    def dtype(self) -> np.dtype[Any]:
        """As given."""
        return self._arrays[0].dtype

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self._channels

    def channels_of(self, index: int) -> tuple[str, ...]:
        """Channel names, the same for all."""
        return self._channels

    @property
    def count(self) -> int:
        """How many channels every field has."""
        return len(self._arrays[0])

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return self._obs

    @property
    def has_labels(self) -> bool:
        """Whether masks were given."""
        return self._labels is not None

    @property
    def nodata(self) -> NoDataRule:
        """As given."""
        return self._nodata

    def __len__(self) -> int:
        return len(self._arrays)

    def name(self, index: int) -> str:
        """A number, from 0."""
        return f"array {index}"

    def image(self, index: int) -> Image:
        """The array as an image."""
        return Image.from_array(self._arrays[index], "CYX", source=self.name(index), channels=self._channels)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a field."""
        height, width = self._arrays[index].shape[1:]
        return height, width

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """A field, or a region of it: ``(C, H, W)``."""
        array = self._arrays[index]
        return array if region is None else array[:, region.y : region.stop_y, region.x : region.stop_x]

    def labels(self, index: int) -> np.ndarray:
        """The mask of a field: ``(H, W)`` integers."""
        if self._labels is None:
            raise InputError(f"{self.name(index)} has no mask; give labels=… with an array for each image.")
        return self._labels[index]


class FieldSubset:
    """Some rows of other fields, in a given order.

    Parameters
    ----------
    fields : Fields
        The others.
    indices : sequence of int
        Which, in this order.
    split : str, optional
        What the column ``split`` says of all of them, such as ``"train"``; default: what it says there.
    """

    def __init__(self, fields: Fields, indices: Sequence[int] | np.ndarray, split: str | None = None) -> None:
        self.fields = fields
        self.split = split
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

    def channels_of(self, index: int) -> tuple[str, ...]:
        """What a field itself calls its channels; empty where unknown."""
        return self.fields.channels_of(int(self.indices[index]))

    @property
    def count(self) -> int:
        """How many channels every field has."""
        return self.fields.count

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        taken = {key: column[self.indices] for key, column in self.fields.obs.items()}
        return taken if self.split is None else {**taken, "split": np.full(len(self), self.split)}

    @property
    def has_labels(self) -> bool:
        """Whether there is a mask for every field."""
        return self.fields.has_labels

    @property
    def nodata(self) -> NoDataRule:
        """As of the others."""
        return self.fields.nodata

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

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Read a field, or a region of it: ``(C, H, W)``, dtype as stored."""
        return self.fields.pixels(int(self.indices[index]), region)

    def labels(self, index: int) -> np.ndarray:
        """Read the mask of a field: ``(H, W)`` integers."""
        return self.fields.labels(int(self.indices[index]))
