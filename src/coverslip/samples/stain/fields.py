"""Labels for a whole sheet from a registered nuclear stain: a folder that is a sample sheet to train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap, beside, provenance, renamed, track
from coverslip.io.cells import write_cells
from coverslip.io.paths import relative_path
from coverslip.samples.opening.planes import Planes, pick_channels
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.rows import at_row, frame_of, in_threads, open_cell
from coverslip.samples.sheets.sheet import Sheet, names_one_image, read_sheet
from coverslip.samples.stain.labels import segment_stain
from coverslip.samples.stain.quality import StainFacts, judge_stain
from coverslip.samples.stain.settings import StainSettings

FACTS = "labels.csv"
"""The table of what is known of each label image."""

_MEMORY = 2 << 30
_BYTES_PER_PIXEL = 80
"""About what a pixel takes while its image is labelled."""


@dataclass(frozen=True)
class StainedSheet:
    """Fields with the stain that goes with each.

    Parameters
    ----------
    sheet : Sheet
        A field per row.
    column : str
        Which column names the images that hold the stain; ``image`` where it is a channel of the field itself.
    stain : str, int or None
        The channel of these that is the stain; None: they have but one.
    planes : str or int
        What becomes of the stain's focal planes: ``max``, ``sharpest`` or a number.
    """

    sheet: Sheet
    column: str = "image"
    stain: str | int | None = None
    planes: str | int = "max"

    def __len__(self) -> int:
        return len(self.sheet)

    def image(self, index: int) -> Image:
        """The field, as the sheet names it; nothing is read."""
        return frame_of(self.sheet, index, open_cell(self.sheet, index))

    def opened(self, index: int) -> Image:
        """The stain of a field, with its focal planes where it has several; nothing is read.

        Raises
        ------
        InputError
            Naming the row, if the stain is not there or not of the field's height and width.
        """
        field = self.image(index)
        try:
            image = field if self.column == "image" else frame_of(self.sheet, index, self._other(index))
            stain = self._channel(image)
            if (stain.height, stain.width) != (field.height, field.width):
                raise InputError(
                    f"the stain {stain.source} has {stain.height} x {stain.width} pixels, its image {field.source} "
                    f"{field.height} x {field.width}; give the stain of the same field, registered to it."
                )
            if Planes.parse(self.planes).shape(stain)[0] != 1:
                raise InputError(
                    f"{stain.source} has {stain.sizes['Z']} focal planes; say which is the stain: max, sharpest or a "
                    "number from 0."
                )
        except InputError as error:
            raise (
                error if str(error).startswith(self.sheet.where(index)) else at_row(self.sheet, index, error)
            ) from None
        return stain

    def pixels(self, index: int) -> np.ndarray:
        """Read the stain of a field, ``(H, W)``, dtype as stored."""
        return Planes.parse(self.planes).read(self.opened(index))[0]

    def _other(self, index: int) -> Image:
        """The image beside the field; the column ``axes`` counts for it only where it has as many."""
        from coverslip.io import open_image

        axes = self.sheet.rows[index].get("axes", "")
        file = self.sheet.file(index, self.column)
        if axes and file is not None and file.exists():
            try:
                image = open_image(file)
            except InputError:  # its axes are not said anywhere else
                return open_cell(self.sheet, index, self.column)
            if len(image.axes) != len(axes):
                return image
        return open_cell(self.sheet, index, self.column)

    def _channel(self, image: Image) -> Image:
        count = image.sizes.get("C", 1)
        if self.stain is None:
            if count > 1:
                names = ", ".join(image.channels) or f"0 to {count - 1}, without names"
                raise InputError(
                    f"{image.source} has {count} channels ({names}); say which of them is the stain, or name a column "
                    "of stain images."
                )
            number = 0
        else:
            number = pick_channels(image.channels, count, [self.stain], image.source)[0]
        return image.select(C=number) if "C" in image.axes else image


@dataclass(frozen=True)
class Labelled:
    """Labels made from stains, while their folder is being written.

    Parameters
    ----------
    stained : StainedSheet
        What they were made from.
    rows : list of dict
        The rows of the new sheet: ``mask`` is the file in the folder.
    facts : list of StainFacts
        What is known of each.
    provenance : dict
        Inputs, settings, versions.
    """

    stained: StainedSheet
    rows: list[dict[str, str]] = field(repr=False)
    facts: list[StainFacts] = field(repr=False)
    provenance: dict[str, Any] = field(repr=False)


def label_from_stain(
    source: Sheet | str | Path,
    out: str | Path,
    settings: StainSettings | None = None,
    *,
    stain: str | int | Path | None = None,
    stain_column: str | None = None,
    planes: str | int = "max",
    overwrite: bool = False,
    also: Callable[[Path, Labelled], None] | None = None,
) -> Sheet:
    """Make nuclei labels for fields from a registered nuclear stain, such as DAPI.

    A network can then learn to find nuclei in the fields' other channels, in transmitted light for example.

    Parameters
    ----------
    source : Sheet, str or Path
        A sheet, its CSV, a folder of images, or one image.
    out : str or Path
        Folder to write: ``<image>.labels.tif`` for each field; ``sheet.csv`` with every column of the sheet, the labels
        as ``mask`` (a mask there was becomes ``source_mask``), ``objects`` and ``flags``; ``labels.csv`` with the facts
        of each label image (`StainFacts`); ``provenance.json``. It appears once all of it is there.
    settings : StainSettings, optional
        How labels are made.
    stain : str, int or Path, optional
        The channel that holds the stain, by name or number from 0; beside one image also the file of the stain. Not
        needed where there is but one channel.
    stain_column : str, optional
        The column that names the stain's images. Default: ``source`` where the sheet has one and no `stain` is named;
        else the stain is a channel of the images themselves.
    planes : str or int
        What becomes of the focal planes of a stain: ``max``, ``sharpest``, or the number of one.
    overwrite : bool
        Replace a folder of labels that is there already.
    also : callable, optional
        Called with the folder before it appears, and with what is in it, to write more into it.

    Returns
    -------
    Sheet
        ``out/sheet.csv``; ``coverslip fit unet out`` takes it.

    Raises
    ------
    InputError
        Naming the row whose stain is missing, has not the channel (those there are are listed), or is not of the
        field's height and width. Files are opened before the first one is labelled.
    """
    from coverslip.io import atomic_folder, write_labels
    from coverslip.samples.sheets.masks import plan_rows, refuse_other_things, write_masks_sheet

    settings = settings or StainSettings()
    stained = _stained(source, stain, stain_column, planes)
    sheet, out = stained.sheet, Path(out)
    if overwrite:
        refuse_other_things(out, own=sheet.files("image", stained.column))
    largest = 0
    for image in track(in_threads(stained.opened, range(len(sheet))), "Opening images", len(sheet)):
        largest = max(largest, image.height * image.width)
    made = {
        "made_by": "coverslip samples label-from-stain",
        "inputs": sheet.origin,
        "stain": {"column": stained.column, "channel": stained.stain, "planes": str(planes)},
        "settings": settings.model_dump(),
    }
    rows = plan_rows(_seen_from(out, sheet, stained.column), sheet.folder, out, sheet.numbers)
    with atomic_folder(out, overwrite=overwrite) as folder:

        def label(i: int) -> StainFacts:
            labels, facts = _label(stained, i, settings, made)
            write_labels(labels, folder / rows[i]["mask"])
            return facts

        together = max(1, _MEMORY // (_BYTES_PER_PIXEL * max(largest, 1)))
        found = list(track(in_threads(label, range(len(sheet)), together), "Labelling", len(sheet)))
        for row, facts in zip(rows, found, strict=True):
            row |= beside(row, {"objects": str(facts.objects), "flags": " ".join(facts.flags)})
        recorded = provenance(**made)
        write_masks_sheet(folder, rows, recorded)
        _write_facts(folder / FACTS, rows, found)
        if also is not None:
            also(folder, Labelled(stained, rows, found, recorded))
    return replace(read_sheet(out), notes=renamed(sheet.columns, rows[0]))


def _stained(
    source: Sheet | str | Path, stain: str | int | Path | None, column: str | None, planes: str | int
) -> StainedSheet:
    """The sheet, and where its stains are."""
    Planes.parse(planes)
    if not isinstance(source, Sheet):
        path = Path(source)
        single = names_one_image(path) and path.exists()
        if single and stain is not None and Path(stain if not isinstance(stain, int) else "").is_file():
            row = {"image": path.name, "source": relative_path(Path(str(stain)), path.parent)}
            return StainedSheet(divided(Sheet(path.parent, ("image", "source"), [row])), "source", None, planes)
        source = read_sheet(path)
    if column is not None and not source.has(column):
        raise InputError(
            f"{source.name} names no stains in a column '{column}'; its columns are: {', '.join(source.columns)}."
        )
    if column is None:
        column = "source" if stain is None and source.has("source") else "image"
    return StainedSheet(source, column, None if stain is None else str(stain), planes)


def _seen_from(out: Path, sheet: Sheet, column: str) -> list[dict[str, str]]:
    """The rows, with a column of stains that is no column of paths as seen from `out`."""
    from coverslip.io.paths import PATH_COLUMNS

    if column in PATH_COLUMNS:
        return sheet.rows
    files = [sheet.file(i, column) for i in range(len(sheet))]
    return [
        {**row, column: relative_path(file, out) if file else ""} for row, file in zip(sheet.rows, files, strict=True)
    ]


def _label(stained: StainedSheet, i: int, settings: StainSettings, made: dict[str, Any]) -> tuple[LabelMap, StainFacts]:
    image, pixels = stained.opened(i), stained.pixels(i)
    try:
        found = segment_stain(pixels, settings, pixel_size=image.pixel_size, source=image.source)
    except InputError as error:
        raise at_row(stained.sheet, i, error) from None
    facts = judge_stain(found, pixels, image.pixel_size)
    field = stained.image(i)
    size = field.pixel_size or image.pixel_size
    recorded = provenance(**made | {"inputs": {"image": field.source, "stain": image.source}}, flags=facts.flags)
    return LabelMap(found.labels, field.source, size, recorded), facts


def _write_facts(path: Path, rows: list[dict[str, str]], facts: list[StainFacts]) -> None:
    table = [{"image": row["image"], "mask": row["mask"], **one.texts()} for row, one in zip(rows, facts, strict=True)]
    write_cells(path, list(table[0]), table)
