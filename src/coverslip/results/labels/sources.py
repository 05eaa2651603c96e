"""Which label images a table of objects was measured in.

It is noted in the Parquet file itself, so that a later state of them is not taken for what was measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coverslip.core import file_hash
from coverslip.io.paths import resolve_path
from coverslip.io.tags import NOTE

_CARRIED = b"coverslip carried"
"""What the list of columns is called that came from the sheet, which may have changed since."""

_MEASURED = ("mask", "layers")
"""Columns of a row that name what its objects are measured in."""


@dataclass(frozen=True)
class Source:
    """The label image that some rows of a table are of.

    Parameters
    ----------
    key : mapping of str to str
        What these rows are told by: their ``image``, and what else is needed.
    mask : str
        The label image, as seen from the table.
    sha256 : str
        Of its file, see `labels_hash`.
    """

    key: Mapping[str, str]
    mask: str
    sha256: str


def source_of(folder: Path, row: Mapping[str, str], key: Mapping[str, str]) -> Source:
    """The note on the label image of a row, whose paths are relative to `folder`."""
    return Source(dict(key), row["mask"], labels_hash(folder, row))


def labels_hash(folder: Path, row: Mapping[str, str]) -> str:
    """SHA-256 of the files that the objects of a row are measured in; of an OME-Zarr label all files below it."""
    named = [resolve_path(folder, row[column]) for column in _MEASURED if row.get(column)]
    found = []
    for path in named:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        found += [(file.relative_to(path).as_posix(), file_hash(file)) for file in files]
    return found[0][1] if len(found) == 1 else hashlib.sha256(json.dumps(found).encode()).hexdigest()


def with_sources(table: Any, sources: Iterable[Source], carried: Iterable[str] = ()) -> Any:
    """A table of Arrow with the note, and which columns came from the sheet."""
    noted = {NOTE: json.dumps([asdict(source) for source in sources]), _CARRIED: json.dumps([*carried])}
    return table.replace_schema_metadata(noted)


def noted_sources(path: Path) -> list[Source]:
    """The note in a Parquet file; empty where there is none, as where another program wrote the table."""
    from pyarrow import parquet

    try:
        noted = json.loads((parquet.read_schema(path).metadata or {})[NOTE])
        sources = [Source(dict(one["key"]), str(one["mask"]), str(one["sha256"])) for one in noted]
    except (KeyError, TypeError, ValueError):
        return []
    return sources


def noted_carried(path: Path) -> list[str]:
    """The columns of a Parquet file that came from the sheet."""
    from pyarrow import parquet

    try:
        return [str(name) for name in json.loads((parquet.read_schema(path).metadata or {})[_CARRIED])]
    except (KeyError, TypeError, ValueError):
        return []
