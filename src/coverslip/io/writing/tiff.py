"""Images as OME-TIFF, with axes, micrometres and channel names, for Fiji, QuPath and napari."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Region
from coverslip.io.atomic import atomic_path

_TILE = 512
# A plane up to this size is written in one piece, a larger one in tiles, so that it is never held whole.
_PLANE_BYTES = 64 << 20
_DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")


def write_image_tiff(
    image: Image | np.ndarray,
    path: str | Path,
    axes: str | None = None,
    pixel_size: PixelSize | None = None,
    channels: Sequence[str] = (),
) -> Path:
    """Write an image as OME-TIFF, losslessly compressed (zlib).

    Parameters
    ----------
    image : Image or ndarray
        An `Image` is read piece by piece: plane by plane, large planes tile by tile.
    path : str or Path
        The file to write or replace; it ends in ``.tif`` or ``.tiff`` (``.ome.tif`` is customary).
    axes : str, optional
        For an array: its axes, a subset of ``TCZYX`` in that order. Default: the last letters of ``CYX``.
    pixel_size : PixelSize, optional
        Micrometres per pixel; default: that of the image.
    channels : sequence of str, optional
        Channel names; default: those of the image.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If the dtype has no place in OME-TIFF, the axes do not fit, or the file cannot be written.
    """
    if isinstance(image, np.ndarray):
        image = Image.from_array(image, axes)
    return _write(image, Path(path), pixel_size or image.pixel_size, tuple(channels) or image.channels, None)


def _write(
    image: Image, path: Path, pixel_size: PixelSize | None, channels: tuple[str, ...], description: str | None
) -> Path:
    import tifffile

    if path.suffix.lower() not in {".tif", ".tiff"}:
        raise InputError(f"{path} should end in .tif or .tiff, because that is what is written.")
    dtype = np.dtype(np.uint8) if image.dtype == bool else image.dtype
    if dtype.name not in _DTYPES:
        raise InputError(
            f"{path}: OME-TIFF has no pixels of type {dtype}; convert them to one of {', '.join(_DTYPES)}."
        )
    if channels and len(channels) != image.sizes.get("C", 1):
        raise InputError(f"{path}: {len(channels)} channel names for {image.sizes.get('C', 1)} channels.")
    metadata: dict[str, Any] = {"axes": image.axes}
    if channels:
        metadata["Channel"] = {"Name": list(channels)} if "C" in image.axes else {"Name": channels[0]}
    if pixel_size is not None:
        for axis, size in zip("YXZ", (pixel_size.y, pixel_size.x, pixel_size.z), strict=True):
            if size is not None:
                metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if description is not None:
        metadata["Description"] = description
    tiled = image.height * image.width * dtype.itemsize > _PLANE_BYTES
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            _tiles(image, dtype) if tiled else _planes(image, dtype),
            shape=image.shape,
            dtype=dtype,
            ome=True,
            photometric="minisblack",
            compression="zlib",
            tile=(_TILE, _TILE) if tiled else None,
            metadata=metadata,
        )
    return path


def _each_plane(image: Image) -> Iterator[Image]:
    outer = image.axes[:-2]
    for indices in product(*(range(n) for n in image.shape[:-2])):
        yield image.select(**dict(zip(outer, indices, strict=True))) if outer else image


def _planes(image: Image, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    for plane in _each_plane(image):
        yield plane.read().astype(dtype, copy=False)


def _tiles(image: Image, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    for plane in _each_plane(image):
        for y, x in product(range(0, image.height, _TILE), range(0, image.width, _TILE)):
            part = Region(y, x, min(_TILE, image.height - y), min(_TILE, image.width - x))
            tile = np.zeros((_TILE, _TILE), dtype)
            tile[: part.height, : part.width] = plane.crop(part).read()
            yield tile
