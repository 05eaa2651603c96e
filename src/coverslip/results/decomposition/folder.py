"""Decompositions on disk: a folder of labels, with layers, grey values and rounds of each image beside them.

Whatever takes a folder of labels takes it: its masks are the flat label images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coverslip.core import COLUMNS, ROUND_COLUMNS, Decomposition, InputError, about
from coverslip.core.words import number_of
from coverslip.io.cells import read_cells
from coverslip.io.images.opening import open_image
from coverslip.measure.objects.amodal import AmodalMasks
from coverslip.results.labels.folder import KEYS, OBJECTS, SHEET, LabelFolder, read_label_folder
from coverslip.results.labels.sources import noted_carried

FILES = ("layers", "generated", "background", "internal", "error")
"""Columns of the sheet that name the further files of an image, ``<image>.<column>.tif``."""

ROUNDS = "rounds.parquet"

_Box = tuple[int, tuple[slice, slice]]
"""In which layer an object lies, and in which rows and columns."""


def holds_decompositions(found: LabelFolder) -> bool:
    """Whether a result made of label images has layers, where objects may overlap, beside them."""
    return all(row.get("layers") for row in found.rows)


def names_layers(path: Path) -> bool:
    """Whether a folder is one of decompositions, to judge by the head of its sheet alone."""
    sheet = path / SHEET
    return sheet.is_file() and "layers" in read_cells(sheet).columns


def read_decomposition(folder: str | Path | LabelFolder, index: int = 0) -> Decomposition:
    """Read the decomposition of one image.

    Parameters
    ----------
    folder : str, Path or LabelFolder
        What ``coverslip predict`` wrote with a model that decomposes.
    index : int
        Which image: a row of the sheet, from 0.

    Returns
    -------
    Decomposition
        As it was written. Its table of objects has what was measured of them too, its provenance is that of the folder.

    Raises
    ------
    InputError
        If there is no decomposition, a file is missing, or files do not belong together.
    """
    found = folder if isinstance(folder, LabelFolder) else read_label_folder(folder)
    if not 0 <= index < len(found):
        raise InputError(
            f"{found.path} holds {number_of(len(found), 'image')}, numbered from 0; there is no image {index}."
        )
    layers = read_layers(found, index)
    generated = _pixels(found, index, "generated", layers.shape).astype(np.float32)
    background = _pixels(found, index, "background", layers.shape[1:]).astype(np.float32)
    objects = _rows(found, index, OBJECTS, ("label", *COLUMNS[1:]))
    objects = {"object": objects.pop("label"), **objects}
    with about(found.where(index)):
        boxes = _boxes(layers)
        _check_objects(objects, layers, boxes, found.folder / OBJECTS)
    masks, pixels = [], []
    for number in objects["object"].tolist():
        layer, place = boxes[number]
        masks.append(layers[layer][place] == number)
        pixels.append(np.where(masks[-1], generated[layer][place], np.float32(0)))
    flat = found.labels(index)
    if flat.labels.shape != layers.shape[1:]:
        raise _other_size(found, index, "mask", flat.labels.shape, layers.shape[1:])
    return Decomposition(
        source=flat.source,
        labels=flat.labels.astype(np.int32),
        objects=objects,
        masks=tuple(masks),
        pixels=tuple(pixels),
        background=background,
        rounds=_rows(found, index, ROUNDS, ROUND_COLUMNS),
        pixel_size=flat.pixel_size,
        provenance=found.provenance or flat.provenance,
    )


def read_layers(found: LabelFolder, index: int) -> np.ndarray:
    """The label images of one image that lose no overlap.

    Parameters
    ----------
    found : LabelFolder
        Of which `holds_decompositions` is true.
    index : int
        Which image.

    Returns
    -------
    ndarray of unsigned int, shape (L, H, W)
        Object numbers, 0 where there is none; objects in one layer share no pixel.

    Raises
    ------
    InputError
        If there are none, or the file is no stack of label images.
    """
    if not found.rows[index].get("layers"):
        raise InputError(
            f"{found.where(index)} names no layers, so it is no decomposition; give a folder that coverslip predict "
            "wrote with a model that decomposes images."
        )
    layers = _pixels(found, index, "layers")
    if layers.ndim not in (2, 3) or layers.dtype.kind not in "iu":
        raise InputError(
            f"{found.file(index, 'layers')} is no stack of label images ({layers.shape} {layers.dtype}); copy it again "
            "from its source."
        )
    return layers.reshape(-1, *layers.shape[-2:])  # a file of one layer has no axis for them


def whole_masks(layers: np.ndarray) -> AmodalMasks:
    """The objects of layers ``(L, H, W)`` as whole masks that may overlap, by their numbers.

    Raises
    ------
    InputError
        If an object lies in two layers.
    """
    places = [(number, layer, box) for number, (layer, box) in sorted(_boxes(layers).items())]
    masks = [layers[layer][box] == number for number, layer, box in places]
    corners = np.array([[part.start for part in box] for _, _, box in places])
    return AmodalMasks(masks, corners, (layers.shape[1], layers.shape[2]))


def _pixels(found: LabelFolder, index: int, column: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """What one of the files of an image holds."""
    file = found.file(index, column)
    if file is None or not file.exists():
        what = f"there is no file {file}" if file else f"the column '{column}' is empty"
        raise InputError(f"{found.where(index)}: {what}; copy the whole folder again from its source.")
    pixels = open_image(file).read()
    if shape is not None:
        if pixels.shape not in (shape, shape[1:] if shape[0] == 1 else shape):
            raise _other_size(found, index, column, pixels.shape, shape)
        pixels = pixels.reshape(shape)
    return pixels


def _other_size(
    found: LabelFolder, index: int, column: str, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> InputError:
    sizes = [" x ".join(map(str, size)) for size in (shape, wanted)]
    return InputError(
        f"{found.file(index, column)} is {sizes[0]} pixels, but its layers are {sizes[1]}; files of one image belong "
        "together: copy them again from their source."
    )


def _rows(found: LabelFolder, index: int, name: str, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of a table that belong to one image, without what tells images apart; these columns are in front."""
    file = found.folder / name
    if not file.is_file():
        raise InputError(f"{file} is missing; copy the whole folder again from its source.")
    table, rows = found.table(file)
    missing = next((column for column in columns if column not in table), None)
    if missing is not None:
        raise InputError(f"{file} has no column '{missing}'; copy the whole folder again from its source.")
    others = {*KEYS, *noted_carried(file)}
    return {column: table[column][rows[index]] for column in dict.fromkeys((*columns, *table)) if column not in others}


def _boxes(layers: np.ndarray) -> dict[int, _Box]:
    """Where each object lies.

    Raises
    ------
    InputError
        If one lies in two layers.
    """
    from scipy.ndimage import find_objects

    boxes: dict[int, _Box] = {}
    for layer, labels in enumerate(layers):
        # Renumbered: a number that was painted by hand may be billions.
        numbers, dense = np.unique(labels, return_inverse=True)
        for number, box in zip(numbers.tolist(), find_objects(dense.reshape(labels.shape) + 1), strict=True):
            if number and number in boxes:
                raise InputError(
                    f"object {number} lies in layer {boxes[number][0] + 1} and in layer {layer + 1}, but an object "
                    "lies in one; give each object a number of its own."
                )
            boxes[number] = layer, box
    boxes.pop(0, None)
    return boxes


def _check_objects(objects: dict[str, np.ndarray], layers: np.ndarray, boxes: dict[int, _Box], file: Path) -> None:
    """Make sure that a table of objects is that of the layers."""
    numbers = objects["object"].tolist()
    mend = "copy the whole folder again from its source"
    if len(set(numbers)) < len(numbers):
        raise InputError(f"{file} lists an object twice; {mend}.")
    for number in sorted(boxes.keys() ^ set(numbers)):
        if number in boxes:
            raise InputError(f"object {number} of the layers is not in {file.name}; {mend}, or delete the object.")
        raise InputError(f"object {number} of {file.name} is not in the layers; {mend}, or delete its row.")
    places = zip(*(objects[name].tolist() for name in ("object", "top_px", "left_px", "area_px")), strict=True)
    for number, top, left, area in places:
        layer, (rows, columns) = boxes[number]
        found = rows.start, columns.start, int((layers[layer][rows, columns] == number).sum())
        if found != (top, left, area):
            raise InputError(
                f"object {number} of the layers begins at row {found[0]}, column {found[1]} and has {found[2]} pixels, "
                f"but in {file.name} it begins at row {top:g}, column {left:g} and has {area:g}; {mend}."
            )
