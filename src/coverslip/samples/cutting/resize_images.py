"""The images of a sheet at another size, as files, with their masks and all that the sheet says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Region, provenance, track
from coverslip.core.words import number_of, word_for
from coverslip.io.labels import image_stem
from coverslip.io.paths import distinct_stems
from coverslip.samples.opening.resized import Aspect, Resizing, check_room, sized
from coverslip.samples.opening.sheet_samples import open_column
from coverslip.samples.sheets.masks import SHEET, refuse_other_things, write_masks_sheet
from coverslip.samples.sheets.rows import at_row, facts_of, frame_of, in_threads, open_cell, read_mask
from coverslip.samples.sheets.sheet import Sheet, read_sheet

_IN_PIXELS = ("annotation", "points")
"""Columns that name files of places in the images as they were."""


@dataclass(frozen=True)
class _Written:
    """What became of one row: its files, how it lies in the new size, and how many objects were lost."""

    files: dict[str, str]
    before: tuple[int, int]
    place: Region
    lost: int
    pixel_size: PixelSize | None


def resize_sheet(
    sheet: Sheet, out: str | Path, to: tuple[int, int], *, aspect: Aspect = "same", overwrite: bool = False
) -> Sheet:
    """Bring every image, with its mask, layers and paired image, to one size, as files of their own.

    Parameters
    ----------
    sheet : Sheet
        Images of any size; all channels, planes and frames are kept, and so is the type of their pixels.
    out : str or Path
        Folder to write: ``<image>.tif`` (``.labels.tif``, ``.layers.tif``, ``.source.tif``), for rows that share one
        file a stack of frames, ``sheet.csv``, and ``provenance.json`` with the settings. It appears only once all of
        it is there.
    to : (int, int)
        Height and width, pixels.
    aspect : {"same", "pad", "stretch"}
        What becomes of images of other proportions, see `coverslip.samples.opening.resized.Resizing`.
    overwrite : bool
        Replace a folder of resized images that is there already.

    Returns
    -------
    Sheet
        ``out/sheet.csv``: the rows in their order with every other column. Files say how large their pixels are now,
        and so does the column ``pixel_size`` where there was one. The notes say what was enlarged or lost.

    Raises
    ------
    InputError
        Naming the row that cannot be read, or has other proportions.
    """
    from coverslip.io import atomic_folder

    resizing, out = Resizing(to, aspect), Path(out)
    if not len(sheet):
        raise InputError(f"{sheet.name} has no rows; add a row for each image.")
    if overwrite:
        refuse_other_things(out, "resized images", (SHEET,), sheet.sources())
    images = [frame_of(sheet, i, image) for i, image in enumerate(open_column(sheet, "image"))]
    groups = _groups(sheet, images)
    names = distinct_stems([_stem(sheet, rows) for rows in groups], [sheet.numbers[rows[0]] for rows in groups])
    stems = distinct_stems([image_stem(row, sheet.folder) for row in sheet.rows], sheet.numbers)
    written: dict[int, _Written] = {}
    with atomic_folder(out, overwrite=overwrite) as folder:

        def resize(group: int) -> dict[int, _Written]:
            return _resized(sheet, groups[group], images, folder, names[group], stems, resizing)

        for found in track(in_threads(resize, range(len(groups))), "Resizing", len(groups)):
            written |= found
        rows = [_row(sheet, i, out, written[i]) for i in range(len(sheet))]
        settings = {"to": list(to), "aspect": aspect}
        made = provenance(made_by="coverslip samples resize", inputs=sheet.origin, settings=settings)
        write_masks_sheet(folder, rows, made)
    return replace(read_sheet(out), notes=(*sheet.notes, *_notes(sheet, list(written.values()), to)))


def _groups(sheet: Sheet, images: list[Image]) -> list[list[int]]:
    """Rows that become one file: those of one file and one size; each alone where a row is a movie itself."""
    found: dict[tuple[object, ...], list[int]] = {}
    for i, (row, image) in enumerate(zip(sheet.rows, images, strict=True)):
        kind = (row["image"], row.get("series"), row.get("source"), image.axes, image.shape)
        found.setdefault((*kind, i) if "T" in image.axes else kind, []).append(i)
    return list(found.values())


def _stem(sheet: Sheet, rows: list[int]) -> str:
    row = sheet.rows[rows[0]]
    return image_stem(row if len(rows) == 1 else {k: row.get(k, "") for k in ("image", "series")}, sheet.folder)


def _resized(
    sheet: Sheet, rows: list[int], images: list[Image], folder: Path, name: str, stems: list[str], resizing: Resizing
) -> dict[int, _Written]:
    """Write what the rows of one file become."""
    from coverslip.io import write_labels

    first = images[rows[0]]
    before = first.height, first.width
    check_room((len(rows), *first.shape), resizing.to, first.source)
    try:
        place = resizing.place(*before, first.source)
    except InputError as error:
        raise at_row(sheet, rows[0], error) from None
    size = first.pixel_size and sized(first.pixel_size, before, place)
    files = {"image": _write(resizing, [images[i] for i in rows], folder, f"{name}.tif")}
    if sheet.rows[rows[0]].get("source"):
        paired = [frame_of(sheet, i, open_cell(sheet, i, "source")) for i in rows]
        for i, image in zip(rows, paired, strict=True):
            if (image.height, image.width) != before:
                raise InputError(
                    f"{sheet.where(i)}: the paired image has another size than the image; pair images of one size."
                )
        files["source"] = _write(resizing, paired, folder, f"{name}.source.tif")
    found = {}
    for number, i in enumerate(rows):
        own = {**files, "frame": str(number)} if len(rows) > 1 else dict(files)
        lost = 0
        if sheet.rows[i].get("mask"):
            labels = read_mask(sheet, i, before)
            made = resizing.labels(labels)
            lost = len(np.setdiff1d(labels[labels > 0], made))
            own["mask"] = write_labels(made, folder / f"{stems[i]}.labels.tif", size).name
        if sheet.rows[i].get("layers"):
            own["layers"] = _write_layers(
                resizing, open_cell(sheet, i, "layers"), folder, f"{stems[i]}.layers.tif", size
            )
        found[i] = _Written(own, before, place, lost, size)
    return found


def _write(resizing: Resizing, images: list[Image], folder: Path, name: str) -> str:
    """Write one image, or several as the frames of a stack; what it is called."""
    from coverslip.io import write_image_tiff

    if len(images) == 1:
        write_image_tiff(resizing.image(images[0]), folder / name)
        return name
    made = [resizing.image(image) for image in images]
    size, channels = made[0].pixel_size, made[0].channels
    stack = np.stack([one.read() for one in made])
    axes = "T" + made[0].axes
    write_image_tiff(stack, folder / name, axes=axes, pixel_size=size, channels=channels, hyperstack=True)
    return name


def _write_layers(resizing: Resizing, layers: Image, folder: Path, name: str, size: PixelSize | None) -> str:
    from coverslip.io import write_image_tiff

    made = resizing.labels(layers.read(), layers.source)
    write_image_tiff(made, folder / name, axes=layers.axes, pixel_size=size, channels=layers.channels)
    return name


def _row(sheet: Sheet, i: int, out: Path, written: _Written) -> dict[str, str]:
    """The row as it stands in the new sheet: its image is of the same thing as before."""
    kept = {key: text for key, text in facts_of(sheet, i, out).items() if key not in _IN_PIXELS}
    size = written.pixel_size
    if size is not None and sheet.has("pixel_size"):
        y, x = (repr(float(f"{n:.8g}")) for n in (size.y, size.x))
        kept["pixel_size"] = y if y == x else f"{y}x{x}"
    order = ("image", "frame", "mask", "layers", "source")
    return {**{str(key): written.files[key] for key in order if key in written.files}, **kept}


def _notes(sheet: Sheet, written: list[_Written], to: tuple[int, int]) -> list[str]:
    notes = []
    larger = Counter(
        one.before for one in written if one.place.height > one.before[0] or one.place.width > one.before[1]
    )
    if larger:
        smallest = min(larger)
        notes.append(
            f"{larger.total():,} of {number_of(len(written), 'image')} {word_for(larger.total(), 'is', 'are')} "
            f"enlarged (from {smallest[0]} x {smallest[1]} pixels to {to[0]} x {to[1]}): that is upsampling, it adds "
            "pixels but no detail."
        )
    stretched = sum(
        abs(one.place.height * one.before[1] / (one.place.width * one.before[0]) - 1) > 0.02 for one in written
    )
    if stretched:
        notes.append(f"{number_of(stretched, 'image is', 'images are')} stretched: pixels are no squares any more.")
    lost = sum(one.lost for one in written)
    if lost:
        notes.append(
            f"{number_of(lost, 'object of the masks is', 'objects of the masks are')} lost, smaller than a new pixel."
        )
    dropped = [name for name in _IN_PIXELS if sheet.has(name)]
    if dropped:
        notes.append(f"The column '{dropped[0]}' is left out: its files name places in the images as they were.")
    return notes
