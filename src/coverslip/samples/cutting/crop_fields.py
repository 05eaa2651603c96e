"""Crops of whole sheets, as files.

The crops of one field are stored as **one stack** (a TIFF with one frame per object), not as thousands of small
files: Fiji and napari open it as one thing to scroll through, a plate of 20,000 cells is read in seconds, and file
systems and network drives are spared. ``crops.csv`` beside the stacks has one row per object, whose column ``frame``
says which frame it is; to leave a cell out, delete its row.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from coverslip.core import Image, InputError, free_name, provenance, renamed, track
from coverslip.core.words import number_of
from coverslip.io.labels import image_stem
from coverslip.io.paths import distinct_stems
from coverslip.samples.cutting.crops import Border, Neighbours, Table, checked_options, crop_objects
from coverslip.samples.opening import whole_of
from coverslip.samples.opening.planes import Planes
from coverslip.samples.sheets.instances import doubts_about, shortened
from coverslip.samples.sheets.masks import refuse_other_things
from coverslip.samples.sheets.rows import at_row, carried, frame_of, in_threads, open_cell, read_mask
from coverslip.samples.sheets.sheet import Sheet, write_rows

Facts = tuple[str, int, str]
"""File, number of channels and dtype of the crops of one image."""

_MADE_BY = "coverslip samples crop"


def crop_sheet(
    sheet: Sheet,
    out: str | Path,
    size: float | tuple[float, float],
    *,
    unit: Literal["px", "um"] = "px",
    neighbours: Neighbours = "keep",
    border: Border = "pad",
    fill: float | Literal["background"] = "background",
    min_area: float = 0,
    max_area: float = np.inf,
    planes: str | int = "channels",
    overwrite: bool = False,
) -> Sheet:
    """Crop the objects of every row that has a mask, and write the crops and their sheet.

    Parameters
    ----------
    sheet : Sheet
        With a column ``mask``. Where a row has a ``source`` (paired image), it is cropped at the same places.
    out : str or Path
        Folder to write: a stack ``<image>.tif`` per field, ``<image>.source.tif`` for paired images,
        ``crops.csv``, and ``provenance.json`` with the settings. It appears only once all of it is there.
    size : float or (float, float)
        Height and width of the crops, in `unit`.
    unit : {"px", "um"}
        µm are turned into whole pixels with each image's pixel size, which must then agree: crops are never
        resampled.
    neighbours, border, fill, min_area, max_area, planes
        As for `crop_objects`; areas are in pixels.
    overwrite : bool
        Replace a folder of crops that is there already.

    Returns
    -------
    Sheet
        ``out/crops.csv``: one row per object, with every column of its field and those of `crop_objects` (called
        ``coverslip_x_px`` and so on where the sheet has a column ``x_px``); ``source_image`` and ``source_mask`` are
        the field's files, ``frame`` the place in the stack. `Sheet.notes` says so, and which masks hold no number for
        each object.

    Raises
    ------
    InputError
        Naming the row that has no mask, cannot be read, or whose crops differ from the others in channels or
        dtype; or if there is no object at all.
    """
    from coverslip.io import atomic_folder

    if not sheet.has("mask"):
        raise InputError(f"{sheet.name} names no masks; fill a column 'mask' with the label image of each field.")
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "crops", ("crops.csv",), sheet.sources())
    options: dict[str, Any] = {
        "neighbours": neighbours,
        "border": border,
        "fill": fill,
        "min_area": min_area,
        "max_area": max_area,
        "planes": planes,
    }
    pixels = _pixel_sizes(sheet, size, unit)
    checked_options(pixels, neighbours, border)
    columns = ("image", "source") if sheet.has("source") else ("image",)
    names = _stack_names(sheet)
    rows: list[dict[str, str]] = []
    first: list[Facts] = []
    doubts: dict[int, str] = {}
    with atomic_folder(out, overwrite=overwrite) as folder:

        def crop_row(i: int) -> tuple[Table, list[Facts]]:
            return _crop_row(
                sheet, i, {column: folder / _file(names[i], column) for column in columns}, pixels, options, doubts
            )

        for i, (table, facts) in enumerate(track(in_threads(crop_row, range(len(sheet))), "Cropping", len(sheet))):
            first = first or facts
            _check_alike(sheet, i, facts, first)
            rows += _rows_of(sheet, i, out, table, {column: _file(names[i], column) for column in columns})
        if not rows:
            raise InputError(f"{sheet.name}: no mask holds an object to crop; check the masks and the area limits.")
        every = dict.fromkeys(name for row in rows for name in row)  # some images may lack a pixel size
        rows = [{name: row.get(name, "") for name in every} for row in rows]
        ours = [name for name in rows[0] if name not in sheet.columns and name.endswith(("_um", "_um2"))]
        for name in [name for name in ours if not any(row[name] for row in rows)]:
            rows = [{key: text for key, text in row.items() if key != name} for row in rows]  # no pixel size known
        # Paths in the rows are relative to where the folder will stand, and stay as they are.
        notes = (*shortened([doubts[i] for i in sorted(doubts)]), *renamed(sheet.columns, rows[0]))
        crops = Sheet(out, tuple(rows[0]), rows, notes=notes)
        write_rows(crops, folder / "crops.csv", out)
        settings = {"size": size, "unit": unit, "pixels": pixels, **options}
        (folder / "provenance.json").write_text(_provenance(sheet, settings), encoding="utf-8")
    return replace(crops, path=out / "crops.csv")


def _provenance(sheet: Sheet, settings: dict[str, Any]) -> str:
    """How the crops were made, as JSON: it states the border policy and all else that the pixels don't show."""
    finite = {name: None if value == np.inf else value for name, value in settings.items()}
    return json.dumps(provenance(made_by=_MADE_BY, inputs=sheet.origin, settings=finite), indent=2)


def crop_settings(samples: Any) -> dict[str, Any]:
    """How samples were cut out of fields, where `crop_sheet` made them; else empty."""
    folder = getattr(getattr(whole_of(samples), "sheet", None), "folder", None)
    if folder is None:
        return {}
    try:
        facts = json.loads((Path(folder) / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(facts, dict) and facts.get("made_by") == _MADE_BY and isinstance(facts.get("settings"), dict)
    return dict(facts["settings"]) if ours else {}


def _crop_row(
    sheet: Sheet,
    i: int,
    targets: dict[str, Path],
    size: tuple[int, int],
    options: dict[str, Any],
    doubts: dict[int, str],
) -> tuple[Table, list[Facts]]:
    """Crop each column's image of a row into its target; one table, and facts about each stack written."""
    facts: list[Facts] = []
    table: Table = {}
    labels: np.ndarray | None = None
    for column, target in targets.items():
        image = frame_of(sheet, i, open_cell(sheet, i, column))
        if labels is None:
            labels = read_mask(sheet, i, (image.height, image.width))
            if found_doubts := doubts_about(labels, str(sheet.file(i, "mask"))):
                doubts[i] = found_doubts[0]
        try:
            crops, found = crop_objects(image, labels, size, **options)
        except InputError as error:
            raise at_row(sheet, i, error) from None
        if len(crops):
            _write_stack(target, crops, image, Planes.parse(options["planes"]))
            facts.append((image.source, crops.shape[1], str(crops.dtype)))
        table = table or found
    return table, facts


def _check_alike(sheet: Sheet, i: int, facts: list[Facts], first: list[Facts]) -> None:
    for (source, channels, dtype), (_, *wanted) in zip(facts, first, strict=False):
        if [channels, dtype] != wanted:
            raise InputError(
                f"{sheet.where(i)}: {source} has {number_of(channels, 'channel')} of {dtype}, images before it "
                f"{wanted[0]} of {wanted[1]}; leave it out, or crop it into another folder."
            )


def _write_stack(file: Path, crops: np.ndarray, image: Image, planes: Planes) -> None:
    from coverslip.io import write_image_tiff

    names = planes.names(image)
    write_image_tiff(
        crops,
        file,
        axes="TCYX",
        pixel_size=image.pixel_size,
        channels=names if len(names) == crops.shape[1] else (),
        hyperstack=True,
    )


def _rows_of(sheet: Sheet, i: int, out: Path, table: Table, files: dict[str, str]) -> list[dict[str, str]]:
    kept = carried(sheet, i, out)
    texts = {free_name(name, kept): [_text(value) for value in column.tolist()] for name, column in table.items()}
    return [
        {"image": files["image"], "frame": str(n), **kept, **{k: v for k, v in files.items() if k != "image"}}
        | {name: column[n] for name, column in texts.items()}
        for n in range(len(table["object"]))
    ]


def _text(value: float | bool | int) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ("" if np.isnan(value) else repr(float(f"{value:.8g}"))) if isinstance(value, float) else str(value)


def _file(stem: str, column: str) -> str:
    return f"{stem}.tif" if column == "image" else f"{stem}.{column}.tif"


def _stack_names(sheet: Sheet) -> list[str]:
    """A file stem for each row: that of its image, with the row number where several would share it."""
    return distinct_stems([image_stem(row, sheet.folder) for row in sheet.rows], sheet.numbers)


def _pixel_sizes(sheet: Sheet, size: float | tuple[float, float], unit: str) -> tuple[int, int]:
    """Height and width in pixels, the same for every row."""
    pair = size if isinstance(size, tuple) else (size, size)
    if unit == "px":
        if any(float(n) != int(n) for n in pair):
            raise InputError(f"A size of {size} pixels is not whole; give whole pixels, or unit='um'.")
        return int(pair[0]), int(pair[1])
    if unit != "um":
        raise InputError(f"There is no unit '{unit}'; give the size in px or um.")
    found: tuple[int, int] | None = None
    for i in range(len(sheet)):
        image = open_cell(sheet, i)
        if image.pixel_size is None:
            raise InputError(
                f"{sheet.where(i)}: {image.source} does not say how large its pixels are; give the size in pixels."
            )
        here = round(pair[0] / image.pixel_size.y), round(pair[1] / image.pixel_size.x)
        if found is not None and here != found:
            raise InputError(
                f"{sheet.where(i)}: {size} µm are {here[0]} x {here[1]} pixels here, but {found[0]} x {found[1]} in "
                "the images before it; crop images of one pixel size together, or give the size in pixels."
            )
        found = here
    return found or (0, 0)
