"""Tables of cells that were named by their clusters; they say which embedding they are of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.paths import relative_path, resolve_path
from coverslip.io.tables import read_table, write_table
from coverslip.io.tags import NOTE


@dataclass(frozen=True)
class Named:
    """Cells with their names.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (N,)
        ``id``, ``cluster``, ``label``, ``confidence`` and so on.
    embedding : str
        The ``.h5ad`` that they are of, as seen from the table.
    facts : mapping
        How they came about.
    """

    columns: Mapping[str, np.ndarray] = field(repr=False)
    embedding: str
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)


def write_named(named: Named, path: Path) -> Path:
    """Write such a table, a ``.parquet``; the embedding is noted as seen from it, so that both can move together."""
    facts = {**named.facts, "embedding": relative_path(Path(named.embedding).resolve(), path.resolve().parent)}
    return write_table(named.columns, path, notes={NOTE: json.dumps(facts, default=str)})


def read_named(path: Path) -> Named:
    """Read such a table.

    Raises
    ------
    InputError
        If it is missing, damaged, or of something else.
    """
    from pyarrow import parquet

    columns = read_table(path)
    try:
        facts = json.loads((parquet.read_schema(path).metadata or {})[NOTE])
        return Named(columns, str(facts["embedding"]), facts)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not say which embedding it is of; give the .parquet that coverslip label wrote, or an .h5ad."
        ) from error


def embedding_of(named: Named, path: Path) -> Path:
    """Where the embedding of such a table lies.

    Raises
    ------
    InputError
        If it is not there any more.
    """
    found = resolve_path(path.resolve().parent, named.embedding)
    if not found.is_file():
        raise InputError(f"{path} names cells of {found}, which is not there any more; put it back, or label anew.")
    return found
