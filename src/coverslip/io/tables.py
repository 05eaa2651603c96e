"""Tables as CSV, Parquet or, to be written only, Excel files."""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.atomic import atomic_path
from coverslip.io.cells import guarded, needs_mark, without_guard
from coverslip.io.reasons import reason

_SUFFIXES = (".csv", ".parquet")
_WRITTEN = (*_SUFFIXES, ".xlsx")
_MOST_ROWS = 1_048_575
"""Rows of a sheet in Excel, below the header."""


def write_table(columns: Mapping[str, Any], path: str | Path, *, notes: Mapping[bytes, str] | None = None) -> Path:
    """Write columns of equal length as a table.

    Parameters
    ----------
    columns : mapping of str to array of shape (N,)
        Column names and values.
    path : str or Path
        Ends in ``.csv`` (UTF-8, comma, one header line; a byte order mark, by which spreadsheets know UTF-8, where
        there is more than ASCII), ``.parquet`` or ``.xlsx``.
    notes : mapping of bytes to str, optional
        Metadata of a Parquet file.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If the columns differ in length or have more than one dimension, are too long for Excel, or the ending is
        another.
    """
    import pyarrow as pa

    path = _checked(path, _WRITTEN)
    arrays = {str(name): np.asarray(column) for name, column in columns.items()}
    lengths = {name: array.shape for name, array in arrays.items()}
    if any(len(shape) != 1 for shape in lengths.values()) or len(set(lengths.values())) > 1:
        raise InputError(f"{path}: the columns of a table are of one length, but these are {lengths}.")
    if path.suffix.lower() == ".xlsx":
        return _write_xlsx(arrays, path)
    text = path.suffix.lower() == ".csv"
    if text:
        arrays = {guarded(name): _each_text(guarded, array) for name, array in arrays.items()}
    try:
        table = pa.table({name: _arrow(array) for name, array in arrays.items()})
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{path}: a column mixes kinds of values ({reason(error)}); use one kind per column."
        ) from error
    with atomic_path(path) as temporary:
        if text:
            from pyarrow import csv

            with temporary.open("wb") as file:
                words = (word for array in arrays.values() if array.dtype.kind in "OU" for word in array.tolist())
                if needs_mark([*arrays, *(word for word in words if isinstance(word, str))]):
                    file.write(codecs.BOM_UTF8)
                csv.write_csv(table, file, csv.WriteOptions(quoting_style="needed"))
        else:
            from pyarrow import parquet

            table = table.replace_schema_metadata(notes) if notes else table
            parquet.write_table(table, temporary, write_page_checksum=True)
    return path


def read_table(path: str | Path, *, text: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        A ``.csv`` or ``.parquet`` file.
    text : collection of str
        Columns of a ``.csv`` that stay text though every cell looks like a number: of ``01`` only 1 would be left.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Numbers, true/false, or text as objects; a missing number is NaN, a missing text None.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged or of another kind.
    """
    path = _checked(path)
    if path.suffix.lower() == ".csv":
        import pyarrow as pa
        from pyarrow import csv

        # An empty cell is missing; "NA" or "null" may be the name of a well or a treatment.
        kept = {guarded(name): pa.string() for name in text}
        options = csv.ConvertOptions(null_values=[""], strings_can_be_null=True, column_types=kept)
        with readable(path):
            table = csv.read_csv(path, convert_options=options)
    else:
        table = parquet_columns(path)
    with readable(path):
        names, columns = table.column_names, [column.to_numpy() for column in table.columns]
    if path.suffix.lower() == ".csv":
        names, columns = [*map(without_guard, names)], [_each_text(without_guard, column) for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path} has two columns '{twice}'; rename one.")
    return dict(zip(names, columns, strict=True))


def parquet_columns(path: Path, names: Sequence[str] | None = None) -> Any:
    """Columns of a Parquet file, all or some, as an Arrow table.

    Raises
    ------
    InputError
        If the file is missing, empty or damaged.
    """
    from pyarrow import parquet

    with readable(path):
        return parquet.read_table(path, columns=names, page_checksum_verification=True)


def parquet_names(path: Path) -> list[str]:
    """Names of the columns of a Parquet file; raises as `parquet_columns`."""
    from pyarrow import parquet

    with readable(path):
        return list(parquet.read_schema(path).names)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of a table that cannot be read what is wrong with it."""
    import pyarrow as pa

    if not path.is_file():
        raise InputError(f"{path} does not exist; check the name and the folder it is looked for in.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy it again from its source.")
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as a table ({reason(error)}); save it again as {path.suffix} in UTF-8."
        ) from error


def _checked(path: str | Path, suffixes: tuple[str, ...] = _SUFFIXES) -> Path:
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise InputError(
            f"{path} should end in {' or '.join(suffixes)}, because these are the kinds of table there are."
        )
    return path


def _write_xlsx(columns: Mapping[str, np.ndarray], path: Path) -> Path:
    """An Excel file of one sheet: numbers are numbers whatever the country, the header stays in sight."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
    from openpyxl.styles import Font

    count = len(next(iter(columns.values()), ()))
    if count > _MOST_ROWS:
        raise InputError(f"{path}: {count:,} rows are more than Excel holds ({_MOST_ROWS:,}); write .csv or .parquet.")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("objects")
    sheet.freeze_panes = "A2"

    def cell(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("�", value))
        made.data_type = "s"  # never a formula
        return made

    header = [cell(name) for name in columns]
    for one in header:
        one.font = Font(bold=True)
    sheet.append(header)
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        sheet.append([cell(value) for value in row])
    with atomic_path(path) as temporary:
        book.save(temporary)
    return path


def _each_text(change: Callable[[str], str], column: np.ndarray) -> np.ndarray:
    """A column with its texts changed; other values stay."""
    if column.dtype.kind not in "OU":
        return column
    return np.array([change(value) if isinstance(value, str) else value for value in column.tolist()], object)


def _arrow(array: np.ndarray) -> Any:
    import pyarrow as pa

    if array.dtype.kind in "OU":
        return pa.array(array.tolist())
    return pa.array(array)
