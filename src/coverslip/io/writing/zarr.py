"""Images as OME-Zarr, for napari and everything else that reads the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Region
from coverslip.io.atomic import atomic_folder
from coverslip.io.writing.channels import channel_names
from coverslip.io.writing.zarr_groups import CHUNK, Version, new_array, say, windows_of

_COARSEST = 1024
"""Rows and columns of the lowest resolution, at most: what a viewer reads at once for an overview."""


def write_image_zarr(
    image: Image | np.ndarray,
    path: str | Path,
    axes: str | None = None,
    pixel_size: PixelSize | None = None,
    channels: Sequence[str] = (),
    chunk: int = CHUNK,
    overwrite: bool = False,
    levels: int | None = None,
    name: str | None = None,
    version: Version = "0.5",
) -> Path:
    """Write an image as OME-Zarr, at several resolutions.

    Parameters
    ----------
    image : Image or ndarray
        An `Image` is read and written chunk by chunk, never whole.
    path : str or Path
        The folder to write, ending in ``.zarr``.
    axes, pixel_size, channels
        As for `write_image_tiff`.
    chunk : int
        Rows and columns of a chunk; the other axes have chunks of 1.
    overwrite : bool
        Replace a folder that is there.
    levels : int, optional
        How many resolutions, each half the one before (means of 2 x 2 pixels, rounded to the dtype); default: as many
        as it takes until rows and columns are at most 1024.
    name : str, optional
        Name of the image; default: that of the folder.
    version : {"0.5", "0.4"}
        Of the format: 0.5 is written as Zarr format 3, 0.4 for older programs as Zarr format 2.

    Returns
    -------
    Path
        The folder written.

    Raises
    ------
    InputError
        If the folder holds something already, the axes do not fit, or there is no such version.
    """
    if version not in get_args(Version):
        raise InputError(f"OME-Zarr is written in the versions {' and '.join(get_args(Version))}, not {version}.")
    if isinstance(image, np.ndarray):
        image = Image.from_array(image, axes)
    path = Path(path)
    if path.suffix.lower() != ".zarr":
        raise InputError(f"{path} should end in .zarr, because that is what is written.")
    channels = channel_names(image, channels, path)
    if levels is None:
        levels = 1 + max(int(np.ceil(np.log2(max(image.height, image.width, 1) / _COARSEST))), 0)
    factors = [(2.0**level, 2.0**level) for level in range(levels)]
    scales = _multiscale(image.axes, pixel_size or image.pixel_size, name or path.stem, factors)
    with atomic_folder(path, overwrite) as temporary:
        array = new_array(temporary, version, image.shape, image.dtype, image.axes, chunk)
        for window in windows_of(array):
            array[window] = _part(image, window)
        for level in range(1, levels):
            finer = array
            shape = (*finer.shape[:-2], *(-(-n // 2) for n in finer.shape[-2:]))
            array = new_array(temporary, version, shape, image.dtype, image.axes, chunk, level)
            for window in windows_of(array):
                array[window] = _halved(finer, window)
        facts: dict[str, Any] = {"multiscales": [scales]}
        if channels and "C" in image.axes:
            facts["omero"] = {"channels": _shown_channels(channels, image.axes, array)}
        say(temporary, version, facts)
    return path


def _halved(finer: Any, window: tuple[slice, ...]) -> np.ndarray:
    """A window of the next resolution: means of 2 x 2 pixels, of those there are at the border."""
    rows, columns = (
        slice(2 * part.start, min(2 * part.stop, n)) for part, n in zip(window[-2:], finer.shape[-2:], strict=True)
    )
    block = np.asarray(finer[(*window[:-2], rows, columns)])
    odd = [(0, 0)] * (block.ndim - 2) + [(0, n % 2) for n in block.shape[-2:]]
    block = np.pad(block, odd, mode="edge")
    height, width = block.shape[-2:]
    # Whole numbers of 8 and 16 bits are summed exactly in 32 bits, at half the memory.
    exact = np.float32 if block.dtype.itemsize <= 2 or block.dtype == np.float32 else np.float64
    mean = block.reshape(*block.shape[:-2], height // 2, 2, width // 2, 2).mean(axis=(-3, -1), dtype=exact)
    return (mean if block.dtype.kind == "f" else np.rint(mean)).astype(block.dtype)


def _multiscale(axes: str, size: PixelSize | None, name: str, factors: Sequence[tuple[float, float]]) -> dict[str, Any]:
    micrometres = {"Y": size.y, "X": size.x, "Z": size.z or 1.0} if size is not None else {}
    kinds = {"T": "time", "C": "channel"}
    said = []
    for axis in axes:
        entry = {"name": axis.lower(), "type": kinds.get(axis, "space")}
        if axis in micrometres and (axis != "Z" or (size is not None and size.z)):
            entry["unit"] = "micrometer"
        said.append(entry)
    return {
        "name": name,
        "axes": said,
        "datasets": [
            {
                "path": str(level),
                "coordinateTransformations": _transformations(axes, micrometres, dict(zip("YX", factor, strict=True))),
            }
            for level, factor in enumerate(factors)
        ],
    }


def _transformations(axes: str, micrometres: Mapping[str, float], factor: Mapping[str, float]) -> list[dict[str, Any]]:
    """Scale, and for coarser levels how far the centre of their first pixel has moved."""
    size = {axis: micrometres.get(axis, 1.0) for axis in axes}
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": [size[a] * factor.get(a, 1.0) for a in axes]}]
    if max(factor.values()) > 1:
        shift = [size[a] * (factor.get(a, 1.0) - 1) / 2 for a in axes]
        steps.append({"type": "translation", "translation": shift})
    return steps


def _shown_channels(names: Sequence[str], axes: str, coarsest: Any) -> list[dict[str, Any]]:
    """Names, colours and display ranges of the channels."""
    colours = ("FFFFFF", "00FFFF", "FF00FF", "FFFF00", "FF0000", "00FF00", "0000FF")
    rgb = tuple(name.lower() for name in names) == ("red", "green", "blue")
    dtype = coarsest.dtype
    high = 1.0 if dtype.kind in "fb" else float(np.iinfo(dtype).max)
    said = []
    for c, name in enumerate(names):
        colour = ("FF0000", "00FF00", "0000FF")[c] if rgb else colours[c % len(colours)]
        pixels = np.asarray(coarsest[tuple(c if axis == "C" else slice(None) for axis in axes)])
        pixels = pixels[np.isfinite(pixels)]
        # Stained pixels are few and far below the largest number of the type: shown in full range they look black.
        ends = (0.0, high) if rgb or not pixels.size else np.percentile(pixels, [0.1, 99.9]).tolist()
        low, top = (ends[0], ends[1]) if ends[1] > ends[0] else (0.0, high)
        window = {"min": min(0.0, low), "max": max(high, top), "start": low, "end": top}
        said.append({"label": name, "color": colour, "window": window, "active": True})
    return said


def _part(image: Image, window: tuple[slice, ...]) -> np.ndarray:
    outer = dict(zip(image.axes[:-2], window[:-2], strict=True))
    rows, columns = window[-2:]
    region = Region(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
    return image.select(**outer).crop(region).read()
