"""Sheets as text: the cells of a CSV, as any program of any country saves it.

Only the standard library is used, so that checking a sheet starts at once.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from coverslip.core import InputError
from coverslip.core.words import number_of

KNOWN_COLUMNS = (
    "image",
    "mask",
    "layers",
    "label",
    "group",
    "split",
    "plate",
    "well",
    "day",
    "treatment",
    "concentration",
    "source",
    "series",
    "frame",
    "axes",
    "annotation",
    "points",
)
"""The columns that mean something to Coverslip, in capitals or not; all others ride along.

``layers`` is a stack of label images with the whole masks of objects that overlap, each in one of them; ``source`` is a
second channel or paired image; ``series`` says which image of a file that holds several, by number from 0 or by name;
``frame`` says which frame of a stack with a T axis a row means, counted from 0 (stacks
of crops have one frame per object); ``axes`` says which axis is which, such as ``ZYX``, where the image file does not.
"""


_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_FORMULA = re.compile(r"'*[=+\-@].")


class Cells(NamedTuple):
    """What a CSV says.

    Parameters
    ----------
    columns : tuple of str
        The header; empty where the file is.
    rows : list of dict of str to str
        A text for every column, without blanks around it; rows without any text are left out.
    numbers : tuple of int
        The number of each row as a spreadsheet shows it, whatever lines it fills.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    numbers: tuple[int, ...]


def read_cells(path: Path) -> Cells:
    """Read a CSV.

    Parameters
    ----------
    path : Path
        UTF-8, UTF-16 with a byte order mark, or cp1252; commas, semicolons or tabs separate. Any line ends, quoted
        fields, blank lines, empty columns on the right and Excel's ``sep=;`` line do no harm. Where no comma separates,
        a column of numbers with decimal commas (``0,5``) gets points.

    Returns
    -------
    Cells

    Raises
    ------
    InputError
        Naming the file, and the row where it lies in one.
    """
    lines = io.StringIO(_decode(path), newline="")
    first = next((line for line in lines if not line.isspace()), "").strip(" \r\n")
    said = first[4:] if first.lower().startswith("sep=") and len(first) == 5 else ""  # written by and for Excel
    delimiter = said or max(",;\t", key=first.count)
    lines.seek(0)
    try:
        records = [
            [without_guard(cell.strip()) for cell in record] for record in csv.reader(lines, delimiter=delimiter)
        ]
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV that can be read ({error}); save it as 'CSV UTF-8' again.") from None
    numbered = [(number, record) for number, record in enumerate(records, 1) if any(record)][bool(said) :]
    if not numbered:
        return Cells((), [], ())
    names, body = _header(path, numbered[0][1]), numbered[1:]
    for number, record in body:
        if any(record[len(names) :]):
            raise InputError(
                f"{path}, row {number}: {number_of(len(record), 'field')} but {number_of(len(names), 'column')}; put "
                f"quotation marks around a field that holds a '{delimiter}'."
            )
    rows = [
        {name: cell for name, cell in zip(names, [*record, *[""] * len(names)], strict=False) if name}
        for _, record in body
    ]
    if delimiter != ",":
        for name in rows[0] if rows else ():
            filled = [row[name] for row in rows if row[name]]
            if any("," in cell for cell in filled) and all(map(_DECIMAL_COMMA.fullmatch, filled)):
                for row in rows:
                    row[name] = row[name].replace(",", ".")
    return Cells(tuple(name for name in names if name), rows, tuple(number for number, _ in body))


def write_cells(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a CSV (UTF-8, commas); cells that a row lacks are empty, and text is guarded (`guarded`)."""
    lines = [[guarded(name) for name in columns], *([guarded(row.get(name, "")) for name in columns] for row in rows)]
    marked = needs_mark(cell for line in lines for cell in line)
    with path.open("w", encoding="utf-8-sig" if marked else "utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


def needs_mark(texts: Iterable[str]) -> bool:
    """Whether a CSV needs a byte order mark: without one spreadsheets take what is not ASCII for other letters."""
    return not all(text.isascii() for text in texts)


def guarded(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula: ``'=1+1``. Numbers and single signs stay as they are."""
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def without_guard(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.lower() if cell.lower() in KNOWN_COLUMNS else cell for cell in cells]
    while not names[-1]:  # spreadsheets leave empty columns on the right
        names.pop()
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}: two columns are named '{twice}'; rename or delete one.")
    return names


def _decode(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # Excel's "Unicode text"
        return data.decode("utf-16", errors="replace")
    if data[:2] == b"PK":
        raise InputError(f"{path} is a spreadsheet file, not a CSV; save it as 'CSV UTF-8' and give that.")
    if b"\0" in data[:4096]:
        raise InputError(f"{path} is not a text file; give a CSV with a column 'image', or a folder of images.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what Excel on Windows writes as plain "CSV"
