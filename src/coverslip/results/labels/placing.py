"""Labels of finished images, and of all of them, in their final form."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.figures.overlay_files import overlay_jpeg
from coverslip.io.atomic import atomic_path, flush, replace_folder
from coverslip.io.labels import maps_path, probability_path, write_labels, write_maps
from coverslip.io.writing.tiff import write_image_tiff
from coverslip.io.writing.zarr import write_image_zarr
from coverslip.io.writing.zarr_labels import write_zarr_labels
from coverslip.measure.objects.shapes import Table
from coverslip.results.labels.canvas import Canvas
from coverslip.results.labels.folder import OBJECTS, LabelFolder, objects_name, read_label_folder
from coverslip.results.labels.seen import without_seen
from coverslip.results.labels.sources import source_of
from coverslip.results.labels.target import Target
from coverslip.results.labels.writer import finish_label_folder, write_objects
from coverslip.samples.opening.fields import SheetFields


def overlay_path(folder: Path, name: str) -> Path:
    """The picture of an image with the outlines of its objects."""
    return folder / f"{name}.overlay.jpg"


def draw_again(
    found: LabelFolder,
    index: int,
    labels: np.ndarray,
    classes: Mapping[str, tuple[str, np.ndarray]] | None = None,
) -> None:
    """Draw the outlines over an image anew, where there is such a picture: its labels, or their classes, changed."""
    picture = overlay_path(found.existing(index).parent, found.stem(index))
    if picture.is_file():
        drawn = overlay_jpeg(found.image(index), labels, classes=classes)
        with atomic_path(picture) as temporary:
            temporary.write_bytes(drawn)


def write_image_result(
    target: Target,
    folder: Path,
    name: str,
    canvas: Canvas,
    fields: SheetFields,
    index: int,
    record: Mapping[str, Any],
    overlay: bool = True,
) -> None:
    """Write the labels of one image, piece by piece.

    Parameters
    ----------
    target : Target
        Says in which form.
    folder : Path
        Where to.
    name : str
        What the files are called, before their endings.
    canvas : Canvas
        Holds all of its blocks.
    fields, index
        The image.
    record : mapping
        Provenance.
    overlay : bool
        Draw the outlines over the image, too.
    """
    image = fields.image(index)
    source = str(Path(fields.name(index)).absolute())
    labels = canvas.labels(source, image.pixel_size)
    if target.kind == "zarr":
        place = folder / target.path.name
        write_image_zarr(image, place, name=name, overwrite=True, version=target.version)
        write_zarr_labels(labels, place, objects_name(record), record, without_seen(canvas.table())[0])
    else:
        write_labels(labels, folder / f"{name}.labels.tif", provenance=record)
    if overlay:
        overlay_path(folder, name).write_bytes(overlay_jpeg(image, labels))
    probability = canvas.probability(source, image.pixel_size)
    if probability is not None:
        file = probability_path(folder / f"{name}.labels.tif")
        write_image_tiff(probability, file, channels=("foreground probability",))
    maps = canvas.maps(source, image.pixel_size)
    if maps is not None:
        write_maps(maps, maps_path(folder / f"{name}.labels.tif"), canvas.noted)


def write_result(
    target: Target, folder: Path, rows: Sequence[Mapping[str, str]], tables: Sequence[Table], record: Mapping[str, Any]
) -> None:
    """Complete the result and put it in its place; what a kill left in its place already stays there.

    Parameters
    ----------
    target : Target
        Where to.
    folder : Path
        Holds what `write_image_result` wrote, and is moved.
    rows : sequence of mapping
        From `coverslip.samples.sheets.masks.plan_rows`.
    tables : sequence of dict
        The objects of each image.
    record : mapping
        Provenance.
    """
    if target.kind == "folder":
        masks = {row["mask"] for row in rows}
        files = masks | {beside(mask).name for mask in masks for beside in (probability_path, maps_path)}
        files |= {overlay_path(folder, mask.removesuffix(".labels.tif")).name for mask in masks}

        def finish() -> None:
            finish_label_folder(folder, rows, tables, record)

        place_folder(folder, target.path, files, finish)
        return
    place = target.path.parent
    labels = folder / (target.path.name if target.kind == "zarr" else f"{target.stem}.labels.tif")
    if labels.exists():  # else a kill left it in its place already, after the table
        source = source_of(folder, read_label_folder(labels).rows[0], {"image": rows[0]["image"]})
        with atomic_path(place / f"{target.stem}.{OBJECTS}") as temporary:
            write_objects([(tables[0], source)], temporary)
    labelled = folder / f"{target.stem}.labels.tif"
    for beside in (probability_path(labelled), maps_path(labelled), overlay_path(folder, target.stem)):
        if beside.is_file():
            os.replace(beside, place / beside.name)
    if labels.is_dir():
        replace_folder(labels, target.path)
    elif labels.is_file():
        os.replace(labels, target.path)
    flush(place)


def place_folder(folder: Path, path: Path, files: Set[str], finish: Callable[[], None]) -> None:
    """Complete a folder of results and put it in its place.

    Parameters
    ----------
    folder : Path
        Holds the files of all images; where it is missing, a kill left it in its place already.
    path : Path
        Its place; a folder that is there is replaced.
    files : set of str
        What belongs in it; anything else is of an image that was left out since, or of an ending that was cut short.
    finish : callable
        Writes the rest into it.
    """
    if not folder.exists():
        return
    for file in folder.iterdir():
        if file.name not in files:
            file.unlink()
    finish()
    for file in folder.iterdir():
        flush(file)
    replace_folder(folder, path)
