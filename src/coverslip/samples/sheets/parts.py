"""Rows for each image in a file: series, scenes, positions, fields of a plate, frames of a movie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.core import CoverslipError, InputError
from coverslip.core.words import number_of
from coverslip.io.paths import relative_path

if TYPE_CHECKING:
    from coverslip.io.images.inventory import Inventory
    from coverslip.samples.sheets.sheet import Sheet

_SHOWN = 5


def divided(sheet: Sheet, series: int | str | None = None, frames: str | None = None) -> Sheet:
    """The sheet with a row for each image that its files hold.

    Parameters
    ----------
    sheet : Sheet
        Of a folder: every file is looked into, and files that are one image together get one row. Of a CSV: its rows
        are what is meant, unless `series` or `frames` say more.
    series : int or str, optional
        Take this one of each file that holds several, by number or name. Rows that name one keep it.
    frames : str, optional
        ``"all"`` or ``"every=5"``: a row for each frame of a movie, or for every fifth.

    Returns
    -------
    Sheet
        With the columns ``series``, ``series_name``, ``frame``, and of plates ``plate``, ``well``, ``field``, where a
        row needs them. `Sheet.notes` says what there is.

    Raises
    ------
    InputError
        If a file has not the series asked for, `frames` is not one of these words, or one mask is named for several
        images.
    """
    if sheet.path is None or series is not None:
        sheet = _by_series(sheet, series)
    return sheet if frames is None else _by_frame(sheet, _step(frames))


def _by_series(sheet: Sheet, series: int | str | None) -> Sheet:
    from coverslip.samples.sheets.rows import in_threads

    held = list(in_threads(lambda i: _inventory(sheet, i), range(len(sheet))))
    parts = _parts([inventory.files for inventory in held], [sheet.file(i) for i in range(len(sheet))])
    parts = parts if sheet.path is None else set()
    rows, numbers, said = [], [], []
    for i, (row, inventory) in enumerate(zip(sheet.rows, held, strict=True)):
        if i in parts:
            continue
        inside = any(one.inner for one in inventory.series)
        several = (inside or len(inventory.series) > 1) and not row.get("series")
        new = [row]
        if series is not None and (several or (len(sheet) == 1 and not row.get("series"))):
            new = _chosen(sheet, i, inventory, series)
        elif several and (inside or len(inventory.images) > 1):
            new = _rows_of(sheet, i, inventory, [one.index for one in inventory.images])
        if several:
            said.append(_what(row["image"], inventory))
        if len(inventory.files) > 1:
            said.append(f"{row['image']} stands for an image of {len(inventory.files)} files.")
        if len(new) > 1 and row.get("mask"):
            raise InputError(
                f"{sheet.where(i)}: {row['image']} holds {len(new)} images, but there is one mask for them, "
                f"{row['mask']}; name the mask of each in a sheet with a column 'series'."
            )
        rows += new
        numbers += [sheet.numbers[i]] * len(new)
    notes = [*sheet.notes, *_shortened(said)]
    if parts:
        notes.append(_together(sheet, sorted(parts)))
    return _complete(sheet, rows, numbers if sheet.path is not None else [], notes)


def _inventory(sheet: Sheet, index: int) -> Inventory:
    """What the file of a row holds; what cannot be opened is left to who opens it."""
    from coverslip.io.images.inventory import Inventory
    from coverslip.io.images.opening import inventory

    file = sheet.file(index)
    try:
        return inventory(file) if file is not None else Inventory()
    except CoverslipError:
        return Inventory()


def _parts(files: Sequence[tuple[Path, ...]], own: Sequence[Path | None]) -> set[int]:
    """The rows whose files are parts of an image that a row before them stands for, or one that describes it."""
    claimed: set[Path] = set()
    for file, together in zip(own, files, strict=True):
        if file is not None and file.resolve() not in claimed:
            claimed |= {part.resolve() for part in together} - {file.resolve()}
    return {i for i, file in enumerate(own) if file is not None and file.resolve() in claimed}


def _chosen(sheet: Sheet, i: int, inventory: Inventory, series: int | str) -> list[dict[str, str]]:
    name = str(sheet.file(i))
    index = inventory.find(name, series)
    if not 0 <= index < len(inventory.series):
        raise InputError(f"{_what(name, inventory)} There is no series {index}; choose one of these with --series.")
    return _rows_of(sheet, i, inventory, [index])


def _rows_of(sheet: Sheet, i: int, inventory: Inventory, indices: Sequence[int]) -> list[dict[str, str]]:
    rows = []
    for one in (inventory.series[index] for index in indices):
        row = {**sheet.rows[i], **{key: text for key, text in one.facts.items() if not sheet.rows[i].get(key)}}
        file = sheet.file(i)
        if one.inner and file is not None:
            row["image"] = relative_path(file / one.inner, sheet.folder)
        else:
            row |= {"series": str(one.index), "series_name": one.name}
        rows.append(row)
    return rows


def _what(name: str, inventory: Inventory) -> str:
    """What a file holds, in a sentence."""
    images, rest = inventory.images, [one for one in inventory.series if one.beside]
    plate = images[0].facts.get("plate") if images else None
    shown = ", ".join(map(str, images[:_SHOWN])) + (", …" if len(images) > _SHOWN else "")
    if plate:
        wells = len({one.facts["well"] for one in images})
        text = f"{name} is the plate {plate} with {number_of(len(images), 'field')} in {number_of(wells, 'well')}"
    else:
        text = f"{name} holds {number_of(len(images), 'image')}: {shown}"
    return text + "".join(f"; {one} is {_article(one.beside)}, so it is left out" for one in rest[:_SHOWN]) + "."


def _article(word: str) -> str:
    return word if word == "no image" else f"a {word}"


def _shortened(said: Sequence[str]) -> list[str]:
    rest = len(said) - _SHOWN
    return [
        *said[:_SHOWN],
        *(
            [f"{number_of(rest, 'more file holds', 'more files hold')} several images, or other things beside them."]
            * (rest > 0)
        ),
    ]


def _together(sheet: Sheet, parts: Sequence[int]) -> str:
    names = ", ".join(sheet.rows[i]["image"] for i in parts[:_SHOWN]) + (", …" if len(parts) > _SHOWN else "")
    are = "is a part of an image" if len(parts) == 1 else "are parts of images"
    return f"{number_of(len(parts), 'file')} {are} that another file stands for: {names}."


def _by_frame(sheet: Sheet, step: int) -> Sheet:
    from coverslip.samples.sheets.rows import in_threads

    rows, numbers = [], []
    for i, frames in enumerate(in_threads(lambda i: _frames(sheet, i), range(len(sheet)))):
        row = sheet.rows[i]
        if frames and row.get("mask"):
            raise InputError(
                f"{sheet.where(i)}: {row['image']} is a movie of {frames} frames, but there is one mask for them, "
                f"{row['mask']}; name the mask of each in a sheet with a column 'frame'."
            )
        new = [{**row, "frame": str(frame)} for frame in range(0, frames, step)] or [row]
        rows += new
        numbers += [sheet.numbers[i]] * len(new)
    return _complete(sheet, rows, numbers if sheet.path is not None else [], sheet.notes)


def _frames(sheet: Sheet, index: int) -> int:
    """How many frames the image of a row has; 0 where it is no movie, or the row names one."""
    from coverslip.samples.sheets.rows import open_cell

    if sheet.frame_text(index):
        return 0
    try:
        return open_cell(sheet, index).sizes.get("T", 0)
    except CoverslipError:  # left to who opens it
        return 0


def _step(frames: str) -> int:
    if frames == "all":
        return 1
    word, _, number = frames.partition("=")
    if word == "every" and number.isdecimal() and int(number):
        return int(number)
    raise InputError(f"frames='{frames}' is not known; say all, or every=5 for every fifth frame.")


def _complete(sheet: Sheet, rows: list[dict[str, str]], numbers: Sequence[int], notes: Sequence[str]) -> Sheet:
    """The sheet with these rows: each has every column, and columns that say nothing new are left out."""
    columns = list(_columns(sheet, rows))
    rows = [{name: row.get(name, "") for name in columns} for row in rows]
    return replace(sheet, columns=tuple(columns), rows=rows, numbers=tuple(numbers), notes=tuple(notes))


def _columns(sheet: Sheet, rows: Sequence[dict[str, str]]) -> Iterator[str]:
    yield from sheet.columns
    for name in dict.fromkeys(name for row in rows for name in row):
        if name not in sheet.columns and any(row.get(name) for row in rows):
            yield name
