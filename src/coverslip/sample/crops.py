"""Crops of equal size around labelled objects.

The crops of one field are stored as **one stack** (a TIFF with one frame per object), not as thousands of small
files: Fiji and napari open it as one thing to scroll through, a plate of 20,000 cells is read in a second instead of
minutes, and file systems and network drives are spared. ``crops.csv`` beside the stacks has one row per object, whose
column ``frame`` says which frame it is; to leave a cell out, delete its row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.core.progress import track
from coverslip.sample.objects import Objects, measure_objects
from coverslip.sample.planes import Planes
from coverslip.sample.rows import at_row, check_finite, frame_of, in_threads, open_cell
from coverslip.sample.sheet import Sheet, relative_path, write_rows

Neighbours = Literal["keep", "mask"]
Border = Literal["pad", "drop", "shift"]
Table = dict[str, np.ndarray]


def crop_objects(
    image: Image,
    labels: np.ndarray,
    size: int | tuple[int, int],
    *,
    neighbours: Neighbours = "keep",
    border: Border = "pad",
    fill: float | Literal["background"] = "background",
    min_area: float = 0,
    max_area: float = np.inf,
    planes: str | int = "channels",
) -> tuple[np.ndarray, Table]:
    """Cut one crop around the centroid of each labelled object.

    Parameters
    ----------
    image : Image
        ``YX``, ``CYX``, ``ZYX`` or ``CZYX``.
    labels : ndarray of int, shape (H, W)
        Object numbers; 0 is background.
    size : int or (int, int)
        Height and width of the crops, in pixels.
    neighbours : {"keep", "mask"}
        Leave what lies around the object, or fill every pixel that is not its own.
    border : {"pad", "drop", "shift"}
        Where a crop reaches over the border of the image: fill what lies outside, leave the object out, or move
        the crop inside (the object is then off its centre).
    fill : float or "background"
        What is put into filled pixels: a grey value, or each channel's median over the pixels without an object
        (0 where there is none).
    min_area, max_area : float
        Objects with fewer or more pixels are left out.
    planes : str or int
        What becomes of focal planes, as in `open_samples`.

    Returns
    -------
    crops : ndarray, shape (n, C, height, width)
        Dtype as stored, in the order of the object numbers.
    table : dict of str to ndarray, shape (n,)
        ``object`` (its number), ``area_px``, ``area_um2``, ``y_px``, ``x_px`` (the centroid, in pixels: the centre
        of the first pixel is 0, 0), ``y_um``, ``x_um``, ``top_px``, ``left_px`` (the first row and column of the
        crop; below 0 where it reaches over the border), ``touches_border`` (the image border cuts the object, maybe)
        and ``truncated`` (the object is not wholly inside its crop). µm are NaN where the pixel size is unknown.

    Raises
    ------
    InputError
        If labels and image differ in shape, a float image holds NaN, or an option is impossible.
    """
    height, width = _checked_options(size, neighbours, border)
    labels = _checked_labels(image, labels)
    if border == "shift" and (height > image.height or width > image.width):
        raise InputError(
            f"{image.source}: crops of {height} x {width} pixels do not fit into {image.height} x {image.width}; "
            "choose a smaller size, or border='pad'."
        )
    objects = measure_objects(labels)
    objects = objects.take((objects.area >= min_area) & (objects.area <= max_area))
    top = np.rint(objects.y - (height - 1) / 2).astype(np.intp)
    left = np.rint(objects.x - (width - 1) / 2).astype(np.intp)
    if border == "shift":
        top, left = top.clip(0, image.height - height), left.clip(0, image.width - width)
    elif border == "drop":
        inside = (top >= 0) & (left >= 0) & (top + height <= image.height) & (left + width <= image.width)
        objects, top, left = objects.take(inside), top[inside], left[inside]
    pixels = Planes.parse(planes).read(image)
    check_finite(pixels, image.source)
    blank = _blank(pixels, labels, fill, image.source)
    crops = _windows(pixels, top, left, height, width, blank)
    if neighbours == "mask":
        own = _windows(labels[None], top, left, height, width, np.zeros(1, labels.dtype))
        crops = np.where(own == objects.number[:, None, None, None], crops, blank[:, None, None])
    return crops, _table(objects, top, left, height, width, image)


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
        Folder to write: a stack ``<image>.tif`` per field, ``<image>.source.tif`` for paired images, and
        ``crops.csv``. It appears only once all of it is there.
    size : float or (float, float)
        Height and width of the crops, in `unit`.
    unit : {"px", "um"}
        µm are turned into whole pixels with each image's pixel size, which must then agree: crops are never
        resampled.
    neighbours, border, fill, min_area, max_area, planes
        As for `crop_objects`; areas are in pixels.
    overwrite : bool
        Replace a folder that is there already.

    Returns
    -------
    Sheet
        ``out/crops.csv``: one row per object, with every column of its field and those of `crop_objects`;
        ``source_image`` and ``source_mask`` are the field's files, ``frame`` the place in the stack.

    Raises
    ------
    InputError
        Naming the row that has no mask, cannot be read, or whose crops differ from the others in channels or
        dtype; or if there is no object at all.
    """
    from coverslip.read import atomic_folder

    if not sheet.has("mask"):
        raise InputError(f"{sheet.name} names no masks; fill a column 'mask' with the label image of each field.")
    out = Path(out)
    options: dict[str, Any] = {
        "neighbours": neighbours,
        "border": border,
        "fill": fill,
        "min_area": min_area,
        "max_area": max_area,
        "planes": planes,
    }
    pixels = _pixel_sizes(sheet, size, unit)
    _checked_options(pixels, neighbours, border)
    columns = ("image", "source") if sheet.has("source") else ("image",)
    with atomic_folder(out, overwrite=overwrite) as folder:
        rows: list[dict[str, str]] = []
        names = _stack_names(sheet)
        kept: dict[str, tuple[int, np.dtype[Any]]] = {}

        def crop_row(i: int) -> tuple[int, list[tuple[Image, np.ndarray]], Table]:
            return i, *_crop_row(sheet, i, columns, pixels, options)

        results: Iterator[tuple[int, list[tuple[Image, np.ndarray]], Table]] = in_threads(crop_row, range(len(sheet)))
        for i, stacks, table in track(results, "Cropping objects", len(sheet)):
            if not len(table["object"]):
                continue
            for column, (image, crops) in zip(columns, stacks, strict=True):
                facts = crops.shape[1], crops.dtype
                if facts != kept.setdefault(column, facts):
                    raise InputError(
                        f"{sheet.where(i)}: {image.source} has {facts[0]} channel(s) of {facts[1]}, images before it "
                        f"{kept[column][0]} of {kept[column][1]}; leave it out, or crop it into another folder."
                    )
                _write_stack(folder / _file(names[i], column), crops, image, Planes.parse(planes))
            rows += _rows_of(sheet, i, out, table, {column: _file(names[i], column) for column in columns})
        if not rows:
            raise InputError(f"{sheet.name}: no mask holds an object to crop; check the masks and the area limits.")
        # Paths in the rows are relative to where the folder will stand, and stay as they are.
        crops_sheet = Sheet(out, tuple(rows[0]), rows)
        write_rows(crops_sheet, folder / "crops.csv", out)
    return replace(crops_sheet, path=out / "crops.csv")


def _crop_row(
    sheet: Sheet, i: int, columns: tuple[str, ...], size: tuple[int, int], options: dict[str, Any]
) -> tuple[list[tuple[Image, np.ndarray]], Table]:
    """Crops of each column's image, and one table."""
    from coverslip.read import read_labels

    images = [frame_of(sheet, i, open_cell(sheet, i, column)) for column in columns]
    mask = sheet.file(i, "mask")
    if mask is None or not mask.exists():
        what = f"there is no mask {mask}" if mask else "the column 'mask' is empty"
        raise InputError(f"{sheet.where(i)}: {what}; name a label image, or delete the row.")
    try:
        labels = read_labels(mask, shape=(images[0].height, images[0].width))
        cut = [crop_objects(image, labels, size, **options) for image in images]
    except InputError as error:
        raise at_row(sheet, i, error) from None
    return [(image, crops) for image, (crops, _) in zip(images, cut, strict=True)], cut[0][1]


def _write_stack(file: Path, crops: np.ndarray, image: Image, planes: Planes) -> None:
    from coverslip.read import write_image_tiff

    names = planes.names(image)
    write_image_tiff(
        crops, file, axes="TCYX", pixel_size=image.pixel_size, channels=names if len(names) == crops.shape[1] else ()
    )


def _rows_of(sheet: Sheet, i: int, out: Path, table: Table, files: dict[str, str]) -> list[dict[str, str]]:
    carried = {key: text for key, text in sheet.rows[i].items() if key not in ("image", "mask", "source", "frame")}
    for column, name in (("image", "source_image"), ("mask", "source_mask")):
        file = sheet.file(i, column)
        carried[name] = relative_path(file, out) if file else ""
    if sheet.frame(i) is not None:
        carried["source_frame"] = sheet.rows[i]["frame"]
    texts = {name: [_text(value) for value in column.tolist()] for name, column in table.items()}
    return [
        {"image": files["image"], "frame": str(n), **carried, **{k: v for k, v in files.items() if k != "image"}}
        | {name: column[n] for name, column in texts.items()}
        for n in range(len(table["object"]))
    ]


def _text(value: float | bool | int) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ("" if np.isnan(value) else f"{value:.8g}") if isinstance(value, float) else str(value)


def _file(stem: str, column: str) -> str:
    return f"{stem}.tif" if column == "image" else f"{stem}.{column}.tif"


def _stack_names(sheet: Sheet) -> list[str]:
    """A file stem for each row: that of its image, with the row number where several would share it."""
    files = [sheet.file(i) for i in range(len(sheet))]
    stems = [file.stem.removesuffix(".ome") if file else "" for file in files]
    often = Counter(stem.lower() for stem in stems)
    return [
        f"{stem}_row{number}" if often[stem.lower()] > 1 else stem
        for stem, number in zip(stems, sheet.numbers, strict=True)
    ]


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


def _checked_options(size: int | tuple[int, int], neighbours: str, border: str) -> tuple[int, int]:
    height, width = size if isinstance(size, tuple) else (size, size)
    if height < 1 or width < 1:
        raise InputError(f"Crops of {height} x {width} pixels hold nothing; give a larger size.")
    if neighbours not in get_args(Neighbours):
        raise InputError(f"neighbours='{neighbours}' is not known; say keep or mask.")
    if border not in get_args(Border):
        raise InputError(f"border='{border}' is not known; say pad, drop or shift.")
    return height, width


def _checked_labels(image: Image, labels: np.ndarray) -> np.ndarray:
    if labels.shape != (image.height, image.width):
        raise InputError(
            f"{image.source}: the mask has shape {labels.shape}, the image {(image.height, image.width)}; "
            "give the mask of this image."
        )
    if labels.dtype.kind not in "iu":
        raise InputError(f"{image.source}: the mask holds {labels.dtype}, not whole numbers; give a label image.")
    return labels


def _blank(pixels: np.ndarray, labels: np.ndarray, fill: float | str, source: str) -> np.ndarray:
    """The value of filled pixels per channel, ``(C,)``, in the dtype of the image."""
    channels = len(pixels)
    if fill != "background":
        blank = np.full(channels, fill)
    elif (labels == 0).any():
        blank = np.median(pixels[:, labels == 0], axis=1)
    else:
        blank = np.zeros(channels)
    if pixels.dtype.kind in "iu":
        limits = np.iinfo(pixels.dtype)
        blank = np.rint(blank)
        if blank.min() < limits.min or blank.max() > limits.max:
            raise InputError(f"{source}: {fill} does not fit into {pixels.dtype}; choose another fill value.")
    return blank.astype(pixels.dtype)


def _windows(
    pixels: np.ndarray, top: np.ndarray, left: np.ndarray, height: int, width: int, blank: np.ndarray
) -> np.ndarray:
    """Windows of ``(C, H, W)`` at the given corners, ``(n, C, height, width)``; outside the image is `blank`."""
    rows = top[:, None] + np.arange(height)
    columns = left[:, None] + np.arange(width)
    _, h, w = pixels.shape
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    crops = pixels[:, rows.clip(0, h - 1)[:, :, None], columns.clip(0, w - 1)[:, None, :]].swapaxes(0, 1)
    return crops.copy() if inside.all() else np.where(inside[:, None], crops, blank[:, None, None])


def _table(objects: Objects, top: np.ndarray, left: np.ndarray, height: int, width: int, image: Image) -> Table:
    dy, dx = (image.pixel_size.y, image.pixel_size.x) if image.pixel_size else (np.nan, np.nan)
    truncated = (objects.top < top) | (objects.left < left)
    truncated |= (objects.bottom > top + height) | (objects.right > left + width)
    touches = (objects.top == 0) | (objects.left == 0)
    touches |= (objects.bottom == image.height) | (objects.right == image.width)
    return {
        "object": objects.number,
        "area_px": objects.area,
        "area_um2": objects.area * dy * dx,
        "y_px": objects.y,
        "x_px": objects.x,
        "y_um": objects.y * dy,
        "x_um": objects.x * dx,
        "top_px": top,
        "left_px": left,
        "touches_border": touches,
        "truncated": truncated,
    }
