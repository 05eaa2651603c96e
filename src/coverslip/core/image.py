"""A lazy image: pixels stay in the file until a window of them is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.region import Region

AXES = "TCZYX"
"""The axes an image may have, in the order they are kept: time, channel, focal plane, row, column."""

Window = tuple[slice, ...]
"""One slice per axis, with explicit start and stop and a step of 1."""


@dataclass(frozen=True, slots=True)
class PixelSize:
    """The size of a pixel in micrometres.

    Parameters
    ----------
    y, x : float
        Height and width of a pixel, µm.
    z : float or None
        Distance between focal planes, µm, where known.
    """

    y: float
    x: float
    z: float | None = None


@dataclass(frozen=True)
class Image:
    """An image with its axes, its pixel size and its source; the pixels are read when asked for.

    Parameters
    ----------
    axes : str
        The axes present, a subset of ``"TCZYX"`` in that order; ``Y`` and ``X`` always are.
        The samples of an RGB image are its channels, ``"CYX"``.
    shape : tuple of int
        Length of each axis, in the order of `axes`.
    dtype : numpy.dtype
        As stored in the file. It is never changed on reading.
    source : str
        Where the pixels come from (a path), for messages and provenance.
    reader : callable
        ``reader(window) -> ndarray`` reads one window: a slice for each axis of the stored image.
    pixel_size : PixelSize or None
        Micrometres per pixel, where the file says so.
    channels : tuple of str
        Channel names, where the file gives them; else empty.
    metadata : mapping
        What else the file says, unchanged.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    source: str
    reader: Callable[[Window], np.ndarray] = field(repr=False)
    pixel_size: PixelSize | None = None
    channels: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # The window of the stored image that this image shows; None: all of it.
    window: Window | None = field(default=None, repr=False)
    # The axes of `window`: those of the file, also where an axis was dropped since.
    stored_axes: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if "".join(a for a in AXES if a in self.axes) != self.axes or not self.axes.endswith("YX"):
            raise InputError(
                f"{self.source}: axes '{self.axes}' are not a subset of '{AXES}' in that order that ends in 'YX'; "
                "say which axis is which when opening it (axes=...)."
            )
        if len(self.axes) != len(self.shape):
            raise InputError(f"{self.source}: {len(self.shape)} dimensions {self.shape} but axes '{self.axes}'.")

    @classmethod
    def from_array(
        cls,
        array: np.ndarray,
        axes: str | None = None,
        *,
        source: str = "array",
        pixel_size: PixelSize | None = None,
        channels: tuple[str, ...] = (),
    ) -> Image:
        """An image over an array in memory.

        Parameters
        ----------
        array : ndarray
            Pixels, with one dimension per axis.
        axes : str, optional
            Default: the last ``array.ndim`` letters of ``"CYX"``; more dimensions need it said.
        source, pixel_size, channels
            As for `Image`.
        """
        if axes is None:
            if not 2 <= array.ndim <= 3:
                raise InputError(f"An array of shape {array.shape} needs its axes said, such as axes='ZYX' or 'CZYX'.")
            axes = "CYX"[-array.ndim :]
        return cls(axes, array.shape, array.dtype, source, lambda w: array[w], pixel_size, channels)

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis, such as ``{"C": 3, "Y": 512, "X": 512}``."""
        return dict(zip(self.axes, self.shape, strict=True))

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[-2]

    @property
    def width(self) -> int:
        """Columns."""
        return self.shape[-1]

    @property
    def nbytes(self) -> int:
        """Bytes that the pixels take in memory once read."""
        return prod(self.shape) * self.dtype.itemsize

    def read(self) -> np.ndarray:
        """Read the pixels of this image (of this window, if it is a crop) as an array, dtype as stored.

        Raises
        ------
        InputError
            Naming the file, if it is damaged, or holds more than there is memory for.
        """
        window = self._window()
        try:
            array = np.asarray(self.reader(window))
        except MemoryError:
            raise InputError(
                f"{self.source} holds {self.nbytes / 1e9:.3g} GB of pixels in {self.shape}, for which there is too "
                "little memory; if it is not so large its header is damaged, else read it in parts."
            ) from None
        expected = tuple(s.stop - s.start for s in window)
        if array.shape != expected:  # a reader that breaks its promise would shift every later result
            raise InputError(
                f"{self.source}: {array.shape} pixels came back where {expected} were asked for; is the file damaged?"
            )
        return array.reshape(self.shape)

    def crop(self, region: Region) -> Image:
        """The same image, restricted to `region`; nothing is read.

        Raises
        ------
        InputError
            If the region reaches over the border: padding is the caller's decision
            (`coverslip.samples.cutting.crops` states its own).
        """
        if region.y < 0 or region.x < 0 or region.stop_y > self.height or region.stop_x > self.width:
            raise InputError(
                f"{self.source}: {region} reaches over the border of an image of {self.height} x {self.width} pixels."
            )
        return self._narrow({"Y": slice(region.y, region.stop_y), "X": slice(region.x, region.stop_x)})

    def select(self, **indices: int | slice) -> Image:
        """Restrict other axes, as in ``image.select(C=0)`` or ``image.select(Z=slice(2, 5))``; nothing is read.

        An integer drops the axis. ``Y`` and ``X`` cannot be dropped: use `crop`.
        """
        sizes = self.sizes
        slices: dict[str, slice] = {}
        for axis, index in indices.items():
            if axis not in sizes or axis in "YX":
                raise InputError(f"{self.source}: there is no axis '{axis}' to select from in '{self.axes}'.")
            if isinstance(index, slice):
                start, stop, step = index.indices(sizes[axis])
                if step != 1 or stop <= start:
                    raise InputError(f"{self.source}: {axis}={index} selects nothing, or in steps, of {sizes[axis]}.")
                slices[axis] = slice(start, stop)
            else:
                if not -sizes[axis] <= index < sizes[axis]:
                    raise InputError(f"{self.source}: {axis} {index} was asked for, but there are {sizes[axis]}.")
                slices[axis] = slice(index % sizes[axis], index % sizes[axis] + 1)
        return self._narrow(slices, drop={a for a, i in indices.items() if not isinstance(i, slice)})

    def _window(self) -> Window:
        return self.window if self.window is not None else tuple(slice(0, n) for n in self.shape)

    def _narrow(self, slices: Mapping[str, slice], drop: set[str] | None = None) -> Image:
        # `window` always has one slice per *stored* axis; dropped axes stay in it with length 1.
        window = list(self._window())
        stored = self.stored_axes or self.axes
        channels = self.channels
        for axis, s in slices.items():
            base = window[stored.index(axis)]
            window[stored.index(axis)] = slice(base.start + s.start, base.start + s.stop)
            if axis == "C" and channels:
                channels = channels[s]
        drop = drop or set()
        axes = "".join(a for a in self.axes if a not in drop)
        shape = tuple(window[stored.index(a)].stop - window[stored.index(a)].start for a in axes)
        return replace(
            self,
            axes=axes,
            shape=shape,
            window=tuple(window),
            channels=channels,
            stored_axes=stored,
        )
