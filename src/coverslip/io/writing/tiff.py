"""Images as OME-TIFF, with axes, micrometres and channel names, for Fiji, QuPath and napari."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, PixelSize
from coverslip.io.atomic import atomic_path
from coverslip.io.writing.channels import channel_names
from coverslip.io.writing.tiff_pieces import TILE, packed_strips, planes_of, pyramid, rows_per_strip

# A plane up to this size is written in one piece, a larger one in strips of rows, so that it is never held whole.
_PLANE_BYTES = 64 << 20
# Beyond this size a plane becomes tiles at several resolutions. ImageJ opens strips but no tiles, and no image that is
# much larger; slide viewers need the resolutions.
_STRIPS_BYTES = 512 << 20
# Files that may become larger than offsets of 32 bits reach.
_CLASSIC_BYTES = (1 << 32) - (1 << 25)
_DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
_IMAGEJ_DTYPES = ("uint8", "uint16", "float32")


def write_image_tiff(
    image: Image | np.ndarray,
    path: str | Path,
    axes: str | None = None,
    pixel_size: PixelSize | None = None,
    channels: Sequence[str] = (),
    *,
    hyperstack: bool = False,
) -> Path:
    """Write an image as OME-TIFF, losslessly compressed (zlib).

    Parameters
    ----------
    image : Image or ndarray
        An `Image` is read piece by piece: plane by plane, large planes strip by strip. Planes of more than 512 MB
        become tiles at several resolutions, which Bio-Formats, QuPath and napari open (ImageJ opens no such file).
    path : str or Path
        The file to write or replace; it ends in ``.tif`` or ``.tiff`` (``.ome.tif`` is customary).
    axes : str, optional
        For an array: its axes, a subset of ``TCZYX`` in that order. Default: the last letters of ``CYX``.
    pixel_size : PixelSize, optional
        Micrometres per pixel; default: that of the image.
    channels : sequence of str, optional
        Channel names; default: those of the image.
    hyperstack : bool
        Of several channels write the TIFF of ImageJ instead, which tells channels, planes and frames apart by drag and
        drop too. What it has no place for (other pixels than 8 and 16 bits and float32, 4 GB and more) stays OME-TIFF.

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
    path, size = Path(path), pixel_size or image.pixel_size
    names = channel_names(image, channels, path)
    several = image.sizes.get("C", 1) > 1  # any other stack is one in ImageJ too
    if hyperstack and several and image.dtype.name in _IMAGEJ_DTYPES and image.nbytes < _CLASSIC_BYTES:
        _check_ending(path)
        with atomic_path(path) as temporary:
            _write_hyperstack(image, temporary, size, names)
        return path
    return write_ome_tiff(image, path, size, names)


def write_ome_tiff(
    image: Image,
    path: Path,
    pixel_size: PixelSize | None,
    channels: tuple[str, ...] = (),
    description: str | None = None,
    *,
    picked: bool = False,
) -> Path:
    """Write an image as OME-TIFF; see `write_image_tiff`.

    Parameters
    ----------
    image, path, pixel_size, channels
        As for `write_image_tiff`, with nothing taken from the image.
    description : str, optional
        Kept as the description of the image.
    picked : bool
        Lower resolutions hold one pixel for each, as labels need it, not means.
    """
    _check_ending(path)
    dtype = np.dtype(np.uint8) if image.dtype == bool else image.dtype
    if dtype.name not in _DTYPES:
        raise InputError(
            f"{path}: OME-TIFF has no pixels of type {dtype}; convert them to one of {', '.join(_DTYPES)}."
        )
    options: dict[str, Any] = {
        "dtype": dtype,
        "photometric": "minisblack",
        "compression": "zlib",
        "metadata": _ome_facts(image, path, pixel_size, channels, description),
        **_resolution(pixel_size),
    }
    plane = image.height * image.width * dtype.itemsize
    with atomic_path(path) as temporary:
        if plane > _STRIPS_BYTES:
            _write_pyramid(image, temporary, picked, options)
        else:
            _write_planes(image, temporary, plane > _PLANE_BYTES, options)
    return path


def _check_ending(path: Path) -> None:
    if path.suffix.lower() not in {".tif", ".tiff"}:
        raise InputError(f"{path} should end in .tif or .tiff, because that is what is written.")


def _ome_facts(
    image: Image, path: Path, pixel_size: PixelSize | None, channels: Sequence[str], description: str | None
) -> dict[str, Any]:
    """What OME-XML says of the image."""
    name = path.name.removesuffix(path.suffix)
    facts: dict[str, Any] = {"axes": image.axes, "Name": name.removesuffix(".ome")}
    if channels:
        facts["Channel"] = {"Name": list(channels)} if "C" in image.axes else {"Name": channels[0]}
    if pixel_size is not None:
        for axis, size in zip("YXZ", (pixel_size.y, pixel_size.x, pixel_size.z), strict=True):
            if size is not None:
                facts |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if description is not None:
        facts["Description"] = description
    return facts


def _resolution(pixel_size: PixelSize | None) -> dict[str, Any]:
    """The tags of TIFF itself: ImageJ reads no OME-XML, and makes µm of centimetres."""
    if pixel_size is None:
        return {}
    return {"resolution": (1e4 / pixel_size.x, 1e4 / pixel_size.y), "resolutionunit": "CENTIMETER"}


def _write_planes(image: Image, path: Path, in_strips: bool, options: dict[str, Any]) -> None:
    import tifffile

    dtype = options["dtype"]
    rows = rows_per_strip(image, dtype)
    data = packed_strips(image, dtype, rows) if in_strips else _planes(image, dtype)
    large = image.nbytes > _CLASSIC_BYTES
    with tifffile.TiffWriter(path, ome=True, bigtiff=large) as tif:
        tif.write(data, shape=image.shape, rowsperstrip=rows if in_strips else None, **options)


def _write_pyramid(image: Image, path: Path, picked: bool, options: dict[str, Any]) -> None:
    import tifffile

    with (
        pyramid(image, options["dtype"], path.parent, picked=picked) as levels,
        tifffile.TiffWriter(path, ome=True, bigtiff=True) as tif,
    ):
        common = {name: options[name] for name in ("dtype", "photometric", "compression")}
        common["tile"] = (TILE, TILE)
        tif.write(levels.tiles(), shape=image.shape, subifds=len(levels.factors), **options | common)
        for number, level in enumerate(levels.levels):
            shape = (*image.shape[:-2], *level.shape[-2:])
            tif.write(levels.coarse_tiles(number), shape=shape, subfiletype=1, metadata=None, **common)


def _write_hyperstack(image: Image, path: Path, pixel_size: PixelSize | None, channels: Sequence[str]) -> None:
    import tifffile

    # ImageJ counts frames, then planes, then channels.
    axes = "".join(axis for axis in "TZCYX" if axis in image.axes)
    facts: dict[str, Any] = {"axes": axes, "mode": "composite"}
    if channels:
        facts["Labels"] = [*channels] * (int(np.prod(image.shape[:-2])) // len(channels))
    resolution = {}
    if pixel_size is not None:
        facts["unit"] = "um"
        resolution["resolution"] = (1 / pixel_size.x, 1 / pixel_size.y)
        if pixel_size.z is not None:
            facts["spacing"] = pixel_size.z
    pixels = np.moveaxis(image.read(), [image.axes.index(axis) for axis in axes], range(len(axes)))
    tifffile.imwrite(
        path, pixels, imagej=True, photometric="minisblack", compression="zlib", metadata=facts, **resolution
    )


def _planes(image: Image, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    for plane in planes_of(image):
        yield plane.read().astype(dtype, copy=False)
