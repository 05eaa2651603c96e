"""What an index knows of its vectors, a column at a time: of millions of rows a search needs few, and few columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.io.tables import parquet_columns, parquet_names, readable


class Rows(Mapping[str, np.ndarray]):
    """The table of a segment; a column is read when it is first asked for, and kept as it lies in the file.

    Parameters
    ----------
    path : Path
        A ``.parquet`` with a column ``id``.

    Raises
    ------
    InputError
        If the file is damaged, or no table.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: dict[str, Any] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        with readable(self._path):
            return np.asarray(self._column(name).to_numpy())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._column("id"))

    def dtype(self, name: str) -> np.dtype:
        """What kind of values a column has as an array, without making one."""
        column = self._column(name)
        kind = np.dtype(column.type.to_pandas_dtype())
        if not column.null_count:
            return kind
        return np.dtype(float if kind.kind in "iuf" else object)

    def at(self, name: str, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """The values of some rows in a column."""
        with readable(self._path):
            return np.asarray(self._column(name).take(rows).to_numpy())

    def find(self, ids: Sequence[str]) -> np.ndarray:
        """The row of each id, ``(n,)``; -1 for one that is not there."""
        import pyarrow as pa
        from pyarrow import compute

        column = self._column("id")
        rows = np.flatnonzero(compute.is_in(column, value_set=pa.array(ids, pa.string())).to_numpy())
        places = dict(zip(column.take(rows).to_pylist(), rows.tolist(), strict=True))
        return np.array([places.get(one, -1) for one in ids], int)

    @cached_property
    def _names(self) -> list[str]:
        return parquet_names(self._path)

    def _column(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._columns:
            self._columns[name] = parquet_columns(self._path, [name]).column(name)
        return self._columns[name]
