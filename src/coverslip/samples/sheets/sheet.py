"""Sample sheets: a CSV, or a folder taken as one, that says which images there are and what is known of them.

Only the standard library is used, so that checking a sheet starts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from coverslip.core import InputError, file_hash
from coverslip.core.words import number_of
from coverslip.io.cells import read_cells, write_cells
from coverslip.io.images.calibration import given
from coverslip.io.images.inventory import is_zarr
from coverslip.io.images.opening import AS_OME_TIFF
from coverslip.io.listing import contents, list_images
from coverslip.io.paths import PATH_COLUMNS, part_of, relative_path, resolve_path
from coverslip.io.places import check_text
from coverslip.samples.sheets.pairing import Pairs, pair
from coverslip.samples.sheets.parts import divided

SHEET_NAMES = ("sheet.csv", "crops.csv")
"""A folder that holds one of these is read through it."""

_SHEETS = ("", ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")


@dataclass(frozen=True)
class Sheet:
    """A table of samples, one image (or one frame of a stack) per row.

    Parameters
    ----------
    folder : Path
        What relative paths in the sheet are relative to.
    columns : tuple of str
        Column names in order; ``"image"`` is always among them.
    rows : list of dict of str to str
        One mapping per sample with a text for every column; empty where nothing is said.
    path : Path or None
        The CSV it was read from; None for a sheet made from a folder.
    numbers : tuple of int
        Row number of each sample as a spreadsheet shows it (the header is row 1).
    notes : tuple of str
        Sentences about what was left out when the sheet was made; empty where nothing was.
    """

    folder: Path
    columns: tuple[str, ...]
    rows: list[dict[str, str]] = field(repr=False)
    path: Path | None = None
    numbers: tuple[int, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "image" not in self.columns:
            raise InputError(f"{self.name} has no column 'image'; name the column that holds the image paths 'image'.")
        check_text(self.folder)
        for row in self.rows:
            check_text(row.get("image", ""))
        if len(self.numbers) != len(self.rows):
            object.__setattr__(self, "numbers", tuple(range(2, len(self.rows) + 2)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def name(self) -> str:
        """The file or folder, for messages."""
        return str(self.path or self.folder)

    def where(self, index: int) -> str:
        """Where sample `index` stands, for messages: ``"cells.csv, row 7"``, or the image of a folder."""
        if self.path is None:
            return str(self.file(index) or self.folder)
        return f"{self.path}, row {self.numbers[index]}"

    def has(self, column: str) -> bool:
        """Whether any row says something in `column`."""
        return column in self.columns and any(row[column] for row in self.rows)

    def column(self, name: str) -> list[str]:
        """The texts of one column, one per sample.

        Raises
        ------
        InputError
            If there is no such column; the message lists those there are.
        """
        if name not in self.columns:
            raise InputError(f"{self.name} has no column '{name}'; it has: {', '.join(self.columns)}.")
        return [row[name] for row in self.rows]

    def file(self, index: int, column: str = "image") -> Path | None:
        """The file that sample `index` names in `column`, or None where it names none."""
        text = self.rows[index].get(column, "")
        return resolve_path(self.folder, text) if text else None

    def files(self, *columns: str) -> Iterator[Path]:
        """All files that the rows name in these columns."""
        return (file for i in range(len(self)) for column in columns if (file := self.file(i, column)))

    def sources(self) -> Iterator[Path]:
        """All files that its rows name, and its own, where it has one."""
        yield from self.files(*PATH_COLUMNS)
        yield from () if self.path is None else (self.path,)

    @property
    def origin(self) -> dict[str, str]:
        """What to note as the source of things made of the sheet: its file, with a hash, or its folder."""
        return {"folder": self.name} if self.path is None else {"sheet": self.name, "sha256": file_hash(self.path)}

    def part(self, index: int) -> str:
        """Which part of its file sample `index` means, in words: ``"series 2 frame 7"``; empty: all of it."""
        return part_of(self.rows[index])

    def series(self, index: int) -> str | None:
        """Which series of its file sample `index` means, by number or name; None: it does not say."""
        return self.rows[index].get("series") or None

    def frame_text(self, index: int) -> str:
        """What sample `index` says in the column ``frame``; empty where there is none."""
        return self.rows[index].get("frame", "")

    def frame(self, index: int) -> int | None:
        """Which frame of its file sample `index` means, counted from 0; None: the file is one image.

        Raises
        ------
        InputError
            If the column ``frame`` holds something else than a whole number.
        """
        text = self.frame_text(index)
        if not text:
            return None
        if not text.isdecimal():
            raise InputError(f"{self.where(index)}: the frame '{text}' is not a whole number; frames count from 0.")
        return int(text)

    def subset(self, indices: list[int]) -> Sheet:
        """The sheet of some samples, in the order given; row numbers stay those of the file."""
        return replace(
            self,
            rows=[self.rows[i] for i in indices],
            numbers=tuple(self.numbers[i] for i in indices),
        )

    def with_column(self, name: str, texts: list[str]) -> Sheet:
        """The sheet with one column replaced, or added at the end."""
        rows = [{**row, name: text} for row, text in zip(self.rows, texts, strict=True)]
        columns = self.columns if name in self.columns else (*self.columns, name)
        return replace(self, columns=columns, rows=rows)

    def with_pixel_size(self, size: float | str | None) -> Sheet:
        """The sheet with the pixels of all images of one size, as in its column ``pixel_size``; None: as it is.

        Raises
        ------
        InputError
            If pixels have no such size.
        """
        if size is None:
            return self
        given(size, self.name)
        return self.with_column("pixel_size", [str(size)] * len(self))


def read_sheet(path: str | Path, *, series: int | str | None = None, frames: str | None = None) -> Sheet:
    """Read a sample sheet, or take a folder of images or one image as one.

    Parameters
    ----------
    path : str or Path
        One image, or a CSV with a header and a column ``image``, in any of the forms that
        `coverslip.io.cells.read_cells` reads. Or a folder, where

        - a ``sheet.csv`` or ``crops.csv`` in it is read;
        - all images in it are the samples; where all lie in sub-folders, these give the ``label``;
        - ``images`` beside ``masks`` (or ``labels``) gives each image its ``mask``, as said in
          `coverslip.samples.sheets.pairing`;
        - masks, results of programs and files of other formats that lie beside images are left out.

        A file that holds several images (series, scenes, positions, fields of a plate) has a row for each.
    series : int or str, optional
        Take this one of each file that holds several, by number from 0 or by name.
    frames : str, optional
        ``"all"`` or ``"every=5"``: a row for each frame of a movie, or for every fifth.

    Returns
    -------
    Sheet
        Of a folder, its `notes` say what was left out, and what has no pair.

    Raises
    ------
    InputError
        Naming file, row and remedy. Whether the images can be read is the business of `check_sheet`.
    """
    return divided(undivided(Path(path)), series, frames)


def names_one_image(path: str | Path) -> bool:
    """Whether a path is that of one file of images, to judge by its ending; else it is a folder or a sheet."""
    path = Path(path)
    return is_zarr(path) or (not path.is_dir() and path.suffix.lower() not in _SHEETS)


def holds_one_image(path: str | Path, *, series: int | str | None = None, frames: str | None = None) -> bool:
    """Whether a path is that of a file with one image in it, or with one that is chosen; parameters as `read_sheet`."""
    return names_one_image(path) and len(read_sheet(path, series=series, frames=frames)) == 1


def undivided(path: Path) -> Sheet:
    """A sheet as `read_sheet` reads it, but with one row for each file of a folder, whatever it holds."""
    if path.is_dir() and not names_one_image(path):
        for name in SHEET_NAMES:
            if (path / name).is_file():
                return _read_csv(path / name)
        return folder_sheet(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path} is a pipe or a device, not a file; give a CSV, or a folder of images.")
    if not path.exists():
        raise InputError(f"{path} does not exist; give a CSV with a column 'image', or a folder of images.")
    return Sheet(path.parent, ("image",), [{"image": path.name}]) if names_one_image(path) else _read_csv(path)


def write_sheet(sheet: Sheet, path: str | Path) -> Sheet:
    """Write a sheet as CSV (UTF-8, commas); paths in it are made relative to the new place, with ``/``.

    Parameters
    ----------
    sheet : Sheet
        The samples.
    path : str or Path
        The CSV to write. It appears only once it is whole.

    Returns
    -------
    Sheet
        The sheet as it now stands in `path`.
    """
    from coverslip.io import atomic_path

    path = Path(path)
    with atomic_path(path) as part:
        return replace(write_rows(sheet, part, path.parent), path=path)


def write_rows(sheet: Sheet, path: Path, folder: Path) -> Sheet:
    """Write `sheet` to `path` as it will stand in `folder`, which may be another one until all is in place."""
    rows = [dict(row) for row in sheet.rows]
    for row in rows:
        for column in set(PATH_COLUMNS).intersection(row):
            if row[column]:
                row[column] = relative_path(resolve_path(sheet.folder, row[column]), folder)
    write_cells(path, sheet.columns, rows)
    return Sheet(folder, sheet.columns, rows, path, notes=sheet.notes)


def _read_csv(path: Path) -> Sheet:
    columns, rows, numbers = read_cells(path)
    if not columns:
        raise InputError(f"{path} is empty; a sheet needs a header with a column 'image' and a row for each image.")
    if "image" not in columns:
        shown = ", ".join(f"'{name}'" for name in columns[:12])
        raise InputError(f"{path}: no column is named 'image' (there are {shown}); name the column of image paths so.")
    if not rows:
        raise InputError(f"{path} has a header but no rows; add a row for each image.")
    for number, row in zip(numbers, rows, strict=True):
        if not row["image"]:
            raise InputError(f"{path}, row {number}: the column 'image' is empty; name the image, or delete the row.")
    return Sheet(path.parent, columns, rows, path, numbers)


def folder_sheet(folder: Path, beside: bool = False) -> Sheet:
    """The sheet of a folder; with `beside`, masks that lie beside their images are taken, too."""
    pairs = images_in(folder, beside)
    notes = list(pairs.notes)
    parents = {image.parent.relative_to(folder).as_posix() for image in pairs.images}
    labelled = not pairs.apart and "." not in parents
    if labelled and any("/" in parent for parent in parents):
        raise InputError(
            f"{folder} holds images more than one folder deep; make a sheet of them with coverslip samples make and "
            "a pattern such as '{label}/{well}/{name}.tif'."
        )
    if not pairs.apart and len(parents) > 1 and "." in parents:
        below = ", ".join(sorted(parents - {"."})[:3])
        notes.append(
            f"{folder} holds images beside folders of images ({below}): all are taken, and the folders give no labels; "
            "coverslip samples make with a pattern such as '{label}/{name}.tif' makes columns of their names."
        )
    columns = ("image", *["mask"] * (pairs.apart or bool(pairs.masks)), *["label"] * labelled)
    rows = []
    for image in pairs.images:
        mask = pairs.masks.get(image)
        row = {"mask": relative_path(mask, folder) if mask else "", "label": image.parent.name}
        rows.append({"image": relative_path(image, folder), **{name: row[name] for name in columns[1:]}})
    return Sheet(folder, columns, rows, notes=tuple(notes))


def images_in(folder: Path, beside: bool = False) -> Pairs:
    """The images in a folder and below it, in natural order, each with its mask.

    Raises
    ------
    InputError
        If there are none, saying what is there instead.
    """
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    if not inside:
        raise InputError(f"{folder} is an empty folder; give one that holds images.")
    found = contents(folder)
    pairs = pair(found, beside)
    if pairs.images:
        return pairs
    kinds = sorted({path.suffix.lower() for path in inside if path.is_file()})
    if not kinds:
        list_images(folder)  # says so
    raise InputError(
        f"{folder} holds no images, only {number_of(len(inside), 'other file')} ({', '.join(kinds[:5])}); give a "
        "folder of images" + (f", or {AS_OME_TIFF}." if found.others else ".")
    )
