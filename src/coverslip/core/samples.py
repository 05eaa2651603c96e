"""What a method learns from: equally shaped pieces of image, and a table that says what each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Samples(Protocol):
    """Equally shaped images with one row of facts each.

    Methods take any object of this shape: `coverslip.samples` makes them from sheets and folders, and
    `ArraySamples` wraps an array.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact (``label``, ``split``, ``x_um``, …), each of length ``len(self)``."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read some samples: ``(n, C, H, W)``, dtype as stored, in the order asked for."""


class ArraySamples:
    """Samples over an array in memory.

    Parameters
    ----------
    array : ndarray, shape (N, C, H, W) or (N, H, W)
        The images, dtype as stored.
    obs : mapping of str to sequence, optional
        One column per fact, each of length N.
    channels : sequence of str, optional
        Channel names.
    """

    def __init__(
        self, array: np.ndarray, obs: Mapping[str, Sequence[Any]] | None = None, channels: Sequence[str] = ()
    ) -> None:
        from coverslip.core.errors import InputError

        if array.ndim == 3:
            array = array[:, None]
        if array.ndim != 4 or 0 in array.shape:
            raise InputError(f"Samples are an array (N, C, H, W) or (N, H, W) with none of them 0, not {array.shape}.")
        self._array = array
        self._obs = {key: np.asarray(column) for key, column in (obs or {}).items()}
        for key, column in self._obs.items():
            if len(column) != len(array):
                raise InputError(f"The column '{key}' has {len(column)} rows for {len(array)} samples.")
        self._channels = tuple(channels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        c, h, w = self._array.shape[1:]
        return c, h, w

    @property
    def dtype(self) -> np.dtype[Any]:
        """As given."""
        return self._array.dtype

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return self._obs

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self._channels

    def __len__(self) -> int:
        return len(self._array)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return some samples, ``(n, C, H, W)``, in the order asked for."""
        return self._array[np.asarray(indices, dtype=np.intp)]


class Subset:
    """Some rows of other samples, in a given order."""

    def __init__(self, samples: Samples, indices: Sequence[int] | np.ndarray) -> None:
        self.samples = samples
        self.indices = np.asarray(indices, dtype=np.intp)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        return self.samples.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""
        return self.samples.dtype

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return {key: column[self.indices] for key, column in self.samples.obs.items()}

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self.samples.channels

    @property
    def colour(self) -> bool:
        """Whether the channels are red, green and blue."""
        return is_colour(self.samples)

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read some samples: ``(n, C, H, W)``, dtype as stored, in the order asked for."""
        return self.samples.read(self.indices[np.asarray(indices, dtype=np.intp)])


def is_colour(samples: Samples) -> bool:
    """Whether the channels are red, green and blue: three of unsigned 8-bit without other names, or as samples say."""
    said = getattr(samples, "colour", None)  # of those that were brought to another dtype
    if said is not None:
        return bool(said)
    named = [name.casefold() for name in samples.channels]
    three = samples.shape[0] == 3 and samples.dtype.name == "uint8"
    return three and named in ([], ["r", "g", "b"], ["red", "green", "blue"])
