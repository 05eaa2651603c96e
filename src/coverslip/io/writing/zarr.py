"""Images and labels as OME-Zarr, for napari and everything else that reads the format.

Images are written as OME-Zarr 0.4 (Zarr format 2), which every viewer opens. Labels take the version of the image
they are added to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap, PixelSize, Region
from coverslip.io.atomic import atomic_folder, atomic_path
from coverslip.io.images.ome_zarr import ome_facts, open_zarr
from coverslip.io.labels import compact

_CHUNK = 1024

_COARSEST = 1024
"""Rows and columns of the lowest resolution, at most: what a viewer reads at once for an overview."""


def write_image_zarr(
    image: Image | np.ndarray,
    path: str | Path,
    axes: str | None = None,
    pixel_size: PixelSize | None = None,
    channels: Sequence[str] = (),
    chunk: int = _CHUNK,
    overwrite: bool = False,
    levels: int | None = None,
    name: str | None = None,
) -> Path:
    """Write an image as OME-Zarr 0.4, at several resolutions.

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

    Returns
    -------
    Path
        The folder written.

    Raises
    ------
    InputError
        If the folder holds something already, or the axes do not fit.
    """
    if isinstance(image, np.ndarray):
        image = Image.from_array(image, axes)
    path = Path(path)
    if path.suffix.lower() != ".zarr":
        raise InputError(f"{path} should end in .zarr, because that is what is written.")
    channels = tuple(channels) or image.channels
    if channels and len(channels) != image.sizes.get("C", 1):
        raise InputError(f"{path}: {len(channels)} channel names for {image.sizes.get('C', 1)} channels.")
    if levels is None:
        levels = 1 + max(int(np.ceil(np.log2(max(image.height, image.width, 1) / _COARSEST))), 0)
    factors = [(2.0**level, 2.0**level) for level in range(levels)]
    scales = _multiscale(image.axes, pixel_size or image.pixel_size, name or path.stem, factors)
    with atomic_folder(path, overwrite) as temporary:
        array = _new_group(temporary, {"multiscales": [scales]}, 2, image.shape, image.dtype, chunk)
        for window in _windows(array.shape, array.chunks):
            array[window] = _part(image, window)
        for level in range(1, levels):
            finer = array
            shape = (*finer.shape[:-2], *(-(-n // 2) for n in finer.shape[-2:]))
            array = _new_group(temporary, {}, 2, shape, image.dtype, chunk, str(level))
            for window in _windows(array.shape, array.chunks):
                array[window] = _halved(finer, window)
        if channels and "C" in image.axes:
            _say_channels(temporary, channels, image.axes, array)
    return path


def write_zarr_labels(
    labels: LabelMap | Image | np.ndarray,
    image: str | Path,
    name: str = "labels",
    pixel_size: PixelSize | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Add labels to an OME-Zarr image, so that viewers show both together.

    Parameters
    ----------
    labels : LabelMap, Image or ndarray of int, shape (H, W)
        Object numbers, of the rows and columns of the image; an `Image` is read piece by piece and keeps its type.
        They are written at each resolution the image has (the format demands as many), without mixing numbers: every
        second pixel and so on.
    image : str or Path
        The folder of the image. Labels of the same name in it are replaced.
    name : str
        Name of the labels, such as ``nuclei``.
    pixel_size : PixelSize, optional
        Micrometres per pixel; default: that of the labels, else of the image.
    provenance : mapping, optional
        Kept with the labels; default: that of the label map.

    Returns
    -------
    Path
        The folder of the labels; `read_labels` and `open_image` open it.

    Raises
    ------
    InputError
        If the folder is no OME-Zarr image, or its size is another.
    """
    import zarr

    folder = Path(image)
    opened = open_zarr(folder, None, 0, 0)
    if not opened.metadata["format"].startswith("OME-Zarr"):
        raise InputError(f"{folder} is a Zarr array without OME metadata; write it with write_image_zarr first.")
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise InputError(f"'{name}' cannot name labels; use a word such as 'nuclei'.")
    if isinstance(labels, np.ndarray):
        labels = LabelMap(labels, str(folder))
    if isinstance(labels, LabelMap):
        provenance = labels.provenance if provenance is None else provenance
        labels = Image.from_array(compact(labels.labels, str(folder)), "YX", pixel_size=labels.pixel_size)
    if labels.shape != (opened.height, opened.width):
        raise InputError(
            f"{folder} has {opened.height} x {opened.width} pixels, but the labels have "
            f"{labels.shape[0]} x {labels.shape[1]}; give the labels of this image."
        )
    size = pixel_size or labels.pixel_size or opened.pixel_size
    group = zarr.open_group(str(folder), mode="r")
    version = group.metadata.zarr_format
    shapes = [open_zarr(folder, None, 0, level) for level in range(int(opened.metadata["levels"]))]
    factors = _factors(ome_facts(group), opened, shapes)
    facts: dict[str, Any] = {"multiscales": [_multiscale("YX", size, name, factors)]}
    facts["image-label"] = {"version": "0.4" if version == 2 else "0.5", "source": {"image": "../../"}}
    if provenance:
        facts["coverslip"] = json.loads(json.dumps(dict(provenance), default=str))
    parent = folder / "labels"
    target = parent / name
    if not parent.is_dir():
        zarr.open_group(str(folder), mode="r+").create_group("labels")
    with atomic_folder(target, overwrite=True) as temporary:
        for level, (small, (fy, fx)) in enumerate(zip(shapes, factors, strict=True)):
            shape = (small.height, small.width)
            written = _new_group(temporary, facts, version, shape, labels.dtype, _CHUNK, str(level))
            # One pixel for each coarser one, never a mixture; a level may be any fraction of the full resolution.
            rows = np.minimum(np.arange(small.height) * fy, opened.height - 1).astype(np.intp)
            columns = np.minimum(np.arange(small.width) * fx, opened.width - 1).astype(np.intp)
            for window in _windows(written.shape, written.chunks):
                written[window] = _picked(labels, rows[window[0]], columns[window[1]])
    _list_label(parent, name, version)
    return target


def _factors(facts: Mapping[str, Any], full: Image, levels: Sequence[Image]) -> list[tuple[float, float]]:
    """How much coarser each resolution is along y and x: as its metadata says, else by its size."""
    said = facts["multiscales"][0]["datasets"]
    scales = [[step["scale"] for step in one.get("coordinateTransformations") or () if "scale" in step] for one in said]
    found = []
    for small, scale in zip(levels, scales, strict=True):
        if scale and scales[0] and all(scales[0][0][-2:]):
            found.append((scale[0][-2] / scales[0][0][-2], scale[0][-1] / scales[0][0][-1]))
        else:
            found.append((full.height / small.height, full.width / small.width))
    return found


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
        "version": "0.4",
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


def _say_channels(folder: Path, names: Sequence[str], axes: str, coarsest: Any) -> None:
    """Names, colours and display ranges of the channels."""
    import zarr

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
    zarr.open_group(str(folder), mode="r+").attrs["omero"] = {"channels": said}


def _new_group(
    folder: Path,
    facts: Mapping[str, Any],
    version: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    chunk: int,
    level: str = "0",
) -> Any:
    """One more array in the group of a multiscale image, which is made where missing."""
    import zarr

    group = zarr.open_group(str(folder), mode="a", zarr_format=2 if version == 2 else 3)
    if not group.attrs:
        if version == 2:
            group.attrs.update(facts)
        else:  # 0.5 keeps everything below one key, with one version for all
            inner = {key: value for key, value in facts.items() if key != "coverslip"}
            for scale in inner["multiscales"]:
                scale.pop("version", None)
            extra = {"coverslip": facts["coverslip"]} if "coverslip" in facts else {}
            group.attrs.update({"ome": {"version": "0.5", **inner}, **extra})
    chunks = (1,) * (len(shape) - 2) + tuple(min(chunk, n) for n in shape[-2:])
    options: dict[str, Any] = {"shape": shape, "dtype": dtype, "chunks": chunks}
    if version == 2:
        from numcodecs import Zlib

        # Every reader of the format has it, and each chunk has a checksum; Blosc has none.
        options["compressors"] = Zlib(1)
        options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        options["dimension_names"] = ["y", "x"][-len(shape) :]
        options["compressors"] = zarr.codecs.ZstdCodec(checksum=True)
    return group.create_array(level, **options)


def _windows(shape: tuple[int, ...], chunks: tuple[int, ...]) -> list[tuple[slice, ...]]:
    steps = [range(0, n, c) for n, c in zip(shape, chunks, strict=True)]
    return [
        tuple(slice(start, min(start + c, n)) for start, c, n in zip(starts, chunks, shape, strict=True))
        for starts in product(*steps)
    ]


def _picked(image: Image, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Some rows and columns of an image, both ascending; only what lies between them is read."""
    y, x = int(rows[0]), int(columns[0])
    part = image.crop(Region(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)).read()
    return np.asarray(part[(rows - y)[:, None], columns - x])


def _part(image: Image, window: tuple[slice, ...]) -> np.ndarray:
    outer = dict(zip(image.axes[:-2], window[:-2], strict=True))
    rows, columns = window[-2:]
    region = Region(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
    return image.select(**outer).crop(region).read()


def _list_label(parent: Path, name: str, version: int) -> None:
    """Add a name to the list of labels, in one rename: a reader sees the old list or the new one."""
    import zarr

    group = zarr.open_group(str(parent), mode="r")
    attributes = dict(group.attrs)
    facts = ome_facts(group)
    listed = [*dict.fromkeys([*facts.get("labels", []), name])]
    if version == 2:
        path, content = parent / ".zattrs", {**attributes, "labels": listed}
    else:
        path = parent / "zarr.json"
        content = json.loads(path.read_text())
        content["attributes"] = {**attributes, "ome": {"version": "0.5", **facts, "labels": listed}}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2))
