"""Images and labels as layers of napari: tuples of data, settings and type, as its readers give them.

napari itself is not needed to make them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from coverslip.core import Image, PixelSize, Region
from coverslip.core.errors import MissingExtra

Layer = tuple[Any, dict[str, Any], str]
"""Data, settings and type (``"image"``, ``"labels"``, ``"points"``, ``"shapes"``) of a layer."""

COLOURS = ("red", "green", "blue")
"""Names of the channels of a colour picture."""

_HELD = 1 << 29
"""Bytes of pixels that are read at once; more is read where it is looked at."""


def placed(pixel_size: PixelSize | None, axes: str) -> dict[str, Any]:
    """Where a layer with these axes lies: ``scale`` and ``units``, in µm where the size of pixels is known.

    ``I`` is the axis of several images.
    """
    names = {"axis_labels": [{"I": "image", "T": "time"}.get(axis, axis.lower()) for axis in axes]}
    if pixel_size is None:
        return names
    steps = {"Y": pixel_size.y, "X": pixel_size.x, "Z": pixel_size.z or 1.0}
    units = {"Y": "um", "X": "um", "Z": "um" if pixel_size.z else "pixel"}
    return names | {
        "scale": [steps.get(axis, 1.0) for axis in axes],
        "units": [units.get(axis, "pixel") for axis in axes],
    }


def size_of_all(sizes: Sequence[PixelSize | None]) -> PixelSize | None:
    """The size of the pixels of all images; None where they differ, or one is not known."""
    return sizes[0] if len(set(sizes)) == 1 else None


def picture_layer(images: Sequence[Image], names: Sequence[str]) -> Layer | None:
    """Images as one layer; several of them one behind the other, smaller ones filled up with 0.

    Parameters
    ----------
    images : sequence of Image
        Those whose axes are not those of most are left black.
    names : sequence of str
        What they are called.

    Returns
    -------
    Layer or None
        None without an image. Channels become layers of their own, but for those of a colour picture.
    """
    if not images:
        return None
    kinds = [(one.axes, one.shape[:-2], one.dtype) for one in images]
    (kind, _), *_ = Counter(kinds).most_common()
    shown = [one if own == kind else None for one, own in zip(images, kinds, strict=True)]
    first = images[kinds.index(kind)]
    size = max(one.height for one in images), max(one.width for one in images)
    axes = first.axes if len(images) == 1 else "I" + first.axes
    settings: dict[str, Any] = {"name": names[0] if len(images) == 1 else "images"}
    data: Any
    if len(images) == 1:
        data = _levels(first)
        settings["multiscale"] = isinstance(data, list)
    else:
        data = stacked(shown, kind[1] + size, first.dtype)
    if first.channels == COLOURS and first.dtype == np.uint8 and "C" in axes:
        at = axes.index("C")
        data = [np.moveaxis(one, at, -1) for one in data] if isinstance(data, list) else np.moveaxis(data, at, -1)
        settings["rgb"], axes = True, axes.replace("C", "")
    elif "C" in axes:
        settings["channel_axis"] = axes.index("C")
        settings["name"] = list(first.channels) or [f"channel {i}" for i in range(first.sizes["C"])]
        axes = axes.replace("C", "")
    if isinstance(data, np.ndarray) and "rgb" not in settings:
        settings["contrast_limits"] = _limits(data, settings.get("channel_axis"))
    settings |= placed(size_of_all([one.pixel_size for one in images]), axes)
    return data, settings, "image"


def _limits(pixels: np.ndarray, channels: int | None) -> Any:
    """From where to where grey values are spread: a few very bright pixels do not make the others black."""
    if channels is not None:
        return [_limits(one, None) for one in np.moveaxis(pixels, channels, 0)]
    seen = pixels[..., ::3, ::3].ravel()
    low, high = np.percentile(seen[np.isfinite(seen)], (0.5, 99.8)) if np.isfinite(seen).any() else (0.0, 1.0)
    return float(low), float(high) if high > low else float(low) + 1


def stacked(parts: Sequence[Image | np.ndarray | None], shape: tuple[int, ...], dtype: Any) -> Any:
    """Pixels one behind the other, each of `shape` or smaller: read at once where they are few, else when looked at."""

    def filled(number: int) -> np.ndarray:
        out, part = np.zeros(shape, dtype), parts[number]
        if part is not None:
            pixels = part.read() if isinstance(part, Image) else part
            out[tuple(slice(0, n) for n in pixels.shape)] = pixels
        return out

    if len(parts) * prod(shape) * np.dtype(dtype).itemsize <= _HELD:
        return np.stack([filled(number) for number in range(len(parts))])
    dask = _dask()
    from dask import delayed

    return dask.stack([dask.from_delayed(delayed(filled)(number), shape, dtype) for number in range(len(parts))])


def _levels(image: Image) -> Any:
    """The pixels of an image: all, or its resolutions, read where they are looked at."""
    if image.nbytes <= _HELD:
        return image.read()
    from coverslip.io.images.opening import open_image

    count = int(image.metadata.get("levels", 1)) if image.window is None else 1
    levels = [image, *(open_image(image.source, level=level) for level in range(1, count))]
    arrays = [_dask().from_array(_Windows(one), chunks=(*one.shape[:-2], 1024, 1024)) for one in levels]
    return arrays if count > 1 else arrays[0]


class _Windows:
    """An image as an array of which windows are asked for."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.shape, self.dtype, self.ndim = image.shape, image.dtype, len(image.shape)

    def __getitem__(self, window: tuple[slice, ...]) -> np.ndarray:
        ranges = [part.indices(length)[:2] for part, length in zip(window, self.shape, strict=True)]
        (y, stop_y), (x, stop_x) = ranges[-2:]
        others = zip(self.image.axes, ranges[:-2], strict=False)
        part = self.image.crop(Region(y, x, stop_y - y, stop_x - x))
        return part.select(**{axis: slice(*ends) for axis, ends in others}).read()


def _dask() -> Any:
    try:
        import dask.array
    except ImportError as error:  # pragma: no cover - napari brings it
        raise MissingExtra("Images this large are shown with dask: pip install 'coverslip[napari]'.") from error
    return dask.array


def features_of(table: Mapping[str, np.ndarray], number: str = "label") -> dict[str, np.ndarray]:
    """A table of objects as the features of a layer: ``index`` is the number of the object."""
    return {"index": np.asarray(table[number]), **{name: np.asarray(column) for name, column in table.items()}}
