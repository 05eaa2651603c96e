"""Label images: one whole number per object, 0 for background."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap, PixelSize
from coverslip.io.cellpose import read_cellpose
from coverslip.io.images.opening import open_image
from coverslip.io.listing import CELLPOSE, bare_name, is_outlines
from coverslip.io.outlines import read_outlines
from coverslip.io.paths import PARTS, resolve_path


def labels_path(path: str | Path) -> Path:
    """Where the labels of an image go.

    Parameters
    ----------
    path : str or Path
        An image.

    Returns
    -------
    Path
        ``a.tif``, ``a.ome.tif``, ``a.png`` and ``a`` all give ``a.labels.tif``.
    """
    path = Path(path)
    if path.name.lower().endswith((".labels.tif", ".labels.tiff")):
        return path
    return path.with_name(f"{bare_name(path)}.labels.tif")


def image_stem(row: Mapping[str, str], base: Path) -> str:
    """What files made of a row's image are called, before their endings.

    The name of the file without its ending, with the part of it that is meant (``movie_frame7``, see
    `coverslip.io.paths.part_of`); of an image within a Zarr folder, with its place in there (``plate_B_3_0``).

    Parameters
    ----------
    row : mapping
        A row of a sheet.
    base : Path
        What its paths are relative to.
    """
    file = resolve_path(base, row["image"])
    outer = next((folder for folder in file.parents if folder.suffix.lower() == ".zarr"), None)
    if outer is not None:
        file = outer.with_name("_".join([outer.stem, *file.relative_to(outer).parts]))
    part = "".join(f"_{name}{row[name]}" for name in PARTS if row.get(name))
    return labels_path(file).name.removesuffix(".labels.tif") + re.sub(r"[^\w.-]+", "-", part)


def probability_path(labels: str | Path) -> Path:
    """Where the foreground probability beside labels lies: ``a.probability.tif`` for ``a.labels.tif`` and ``a.zarr``.

    It has 8 bits, 0 to 255 for 0 to 1.
    """
    return _beside(labels, ".probability.tif")


def maps_path(labels: str | Path) -> Path:
    """Where the maps that labels were made from lie: ``a.maps.tif`` for ``a.labels.tif`` and ``a.zarr``."""
    return _beside(labels, ".maps.tif")


def _beside(labels: str | Path, ending: str) -> Path:
    path = Path(labels)
    if path.parent.name == "labels" and path.parent.parent.suffix.lower() == ".zarr":
        path = path.parent.parent
    path = labels_path(path)
    return path.with_name(path.name.removesuffix(".labels.tif") + ending)


def write_maps(maps: Image, path: Path, noted: Mapping[str, Any]) -> Path:
    """Write the maps that labels were made from as OME-TIFF, a channel each, with what is noted beside them."""
    from coverslip.io.writing.tiff import write_ome_tiff

    return write_ome_tiff(maps, path, maps.pixel_size, maps.channels, json.dumps(dict(noted)))


def read_maps(labels: str | Path) -> tuple[Image, dict[str, Any]] | None:
    """The maps beside a label image, and what was noted with them; None where none were kept.

    Parameters
    ----------
    labels : str or Path
        The label image, or the OME-Zarr that labels are in.

    Returns
    -------
    image : Image
        Axes CYX, 8 bits, 255 for 1; nothing is read yet.
    noted : dict
        What is needed beside them to make the labels again.
    """
    file = maps_path(labels)
    return (open_image(file), _noted(file)) if file.is_file() else None


def read_probability(labels: str | Path) -> np.ndarray | None:
    """The foreground probability beside a label image.

    Parameters
    ----------
    labels : str or Path
        The label image, or the OME-Zarr that labels are in.

    Returns
    -------
    ndarray of float32, shape (H, W), or None
        From 0 to 1; None where none was kept.
    """
    file = probability_path(labels)
    if not file.is_file():
        return None
    stored = open_image(file).read()
    return stored.astype(np.float32) / np.iinfo(stored.dtype).max


def write_labels(
    labels: LabelMap | Image | np.ndarray,
    path: str | Path,
    pixel_size: PixelSize | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write labels as a compressed OME-TIFF that Fiji and napari open.

    Parameters
    ----------
    labels : LabelMap, Image or ndarray of int, shape (H, W)
        Object numbers. They are kept as they are, in the smallest unsigned type that holds them; an `Image` is read
        piece by piece and keeps its type.
    path : str or Path
        Where to; the ending becomes ``.labels.tif`` (see `labels_path`), so the path of the image may be given.
    pixel_size : PixelSize, optional
        Micrometres per pixel; default: that of the label map.
    provenance : mapping, optional
        Goes into the file; default: that of the label map.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If a label is negative or above 4,294,967,295, or the labels are no two-dimensional integers.
    """
    from coverslip.io.writing.tiff import write_ome_tiff

    path = labels_path(path)
    if isinstance(labels, np.ndarray):
        labels = LabelMap(labels.astype(np.uint8) if labels.dtype == bool else labels, str(path))
    if isinstance(labels, LabelMap):
        provenance = labels.provenance if provenance is None else provenance
        array = compact(labels.labels, str(path))
        labels = Image.from_array(array, "YX", source=labels.source, pixel_size=labels.pixel_size)
    facts = {"source": labels.source, "provenance": dict(provenance or {})}
    described = json.dumps(facts, default=str)
    return write_ome_tiff(labels, path, pixel_size or labels.pixel_size, description=described, picked=True)


def compact(labels: np.ndarray, where: str) -> np.ndarray:
    """The same labels in the smallest unsigned type that holds them."""
    if labels.size == 0:
        raise InputError(f"{where}: there are no pixels to label.")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > np.iinfo(np.uint32).max:
        raise InputError(
            f"{where}: labels go from {low} to {high}, but a label file holds 0 to 4294967295; renumber them."
        )
    return labels.astype(np.min_scalar_type(high), copy=False)


def read_labels(path: str | Path, shape: tuple[int, int] | None = None) -> LabelMap:
    """Read labels from any lossless image format, an OME-Zarr label, or what other programs keep of objects.

    Parameters
    ----------
    path : str or Path
        The file; a palette PNG gives its indices. Outlines are filled in: GeoJSON of QuPath, ``.roi`` and ``.zip`` of
        ImageJ. Of a ``_seg.npy`` of Cellpose, which is a pickle, plain data are loaded and nothing else.
    shape : (int, int), optional
        Rows and columns of the image the labels belong to; outlines need it.

    Returns
    -------
    LabelMap
        Integers as stored. Floats that are all whole numbers (Fiji writes such) become integers, true/false 1 and 0.

    Raises
    ------
    InputError
        If the file is no label image: colours, fractions, negative numbers, several planes, a JPEG (its losses change
        the numbers), or of another size than the image.
    """
    path = Path(path)
    if is_outlines(path):
        if shape is None:
            raise InputError(
                f"{path} holds outlines, which say nothing of the size of their image; name the image too."
            )
        _refuse_missing(path)
        return LabelMap(read_outlines(path, shape), str(path))
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        raise InputError(f"{path} is a JPEG, whose losses change label numbers; save the labels as TIFF or PNG.")
    pixel_size = None
    if path.name.lower().endswith(CELLPOSE):
        _refuse_missing(path)
        array = read_cellpose(path)
    else:
        image = open_image(path)
        array, pixel_size = _plane(path, image), image.pixel_size
        if (black := image.metadata.get("black")) is not None:
            array = black - array  # numbers as stored: programs that show 0 as white number objects as others do
    if shape is not None and array.shape != tuple(shape):
        raise InputError(
            f"{path} has {array.shape[0]} x {array.shape[1]} pixels, but its image has {shape[0]} x {shape[1]}; "
            "give the mask that was made for this image."
        )
    if array.dtype.kind == "f":
        array = _whole_numbers(path, array)
    elif array.dtype == bool:
        array = array.astype(np.uint8)
    if array.dtype.kind == "i" and array.min() < 0:
        raise InputError(
            f"{path} holds negative labels ({int(array.min())}); objects are numbered from 1, background is 0."
        )
    facts = label_facts(path)
    return LabelMap(array, str(facts.get("source", path)), pixel_size, facts.get("provenance") or {})


def _refuse_missing(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the name and the folder it is looked for in.")


def _plane(path: Path, image: Image) -> np.ndarray:
    if image.metadata.get("format") == "picture":
        from coverslip.io.images.pictures import palette_indices

        indices = palette_indices(path)
        if indices is not None:
            return indices
    if image.axes == "YX":
        return image.read()
    if image.axes == "CYX" and image.channels[:3] == ("red", "green", "blue"):
        pixels = image.read()
        # A grey picture saved as RGB loses nothing by going back; real colours are a drawing of labels, not labels.
        if (pixels[0] == pixels[1]).all() and (pixels[0] == pixels[2]).all():
            return np.array(pixels[0])
        raise InputError(
            f"{path} is a picture in colours, not labels; save the label numbers themselves as one grey 16-bit image."
        )
    raise InputError(
        f"{path} has axes '{image.axes}' {image.shape}, but labels are one plane of rows and columns; save one."
    )


def _whole_numbers(path: Path, array: np.ndarray) -> np.ndarray:
    bad = ~np.isfinite(array) | (array != np.floor(array)) | (array < 0) | (array > np.iinfo(np.uint32).max)
    if bad.any():
        raise InputError(
            f"{path} holds values such as {array[bad][0]:.6g}, which are no label numbers; "
            "give labels (0 for background, then 1, 2, …), not intensities or probabilities."
        )
    return array.astype(np.uint32)


def label_facts(path: Path) -> dict[str, Any]:
    """What `write_labels` noted in the file; empty for labels of other programs."""
    return _noted(path) if path.name.lower().endswith((".labels.tif", ".labels.tiff")) else {}


def _noted(path: Path) -> dict[str, Any]:
    """The JSON in the description of an OME-TIFF of ours; empty for others."""
    from xml.etree import ElementTree

    from coverslip.io.images.tiff_pages import opened

    with opened(str(path)) as tif:
        text = tif.ome_metadata
    try:
        noted = ElementTree.fromstring(text or "").find("{*}Image/{*}Description")
        facts = json.loads(noted.text or "") if noted is not None else {}
    except (ElementTree.ParseError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
