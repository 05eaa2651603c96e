"""A ranking as a folder: tables for the lab as CSV, the same as Parquet, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from coverslip.core import InputError, Ranking
from coverslip.io import atomic_folder, read_table, write_table
from coverslip.io.tags import PROVENANCE

TABLES = ("samples", "scales", "treatments", "doses")


def write_ranking(ranking: Ranking, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a ranking as a folder, whole or not at all.

    Parameters
    ----------
    ranking : Ranking
    folder : Path
        Gets ``samples``, ``scales``, ``treatments`` and ``doses``, each as CSV and Parquet, and ``provenance.json``.
    overwrite : bool
        Replace what is there.
    """
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        for name in TABLES:
            table = getattr(ranking, name)
            if table or name == "treatments":  # which says by its name what the folder is
                columns = _plain(table) or {"treatment": np.empty(0, object)}
                write_table(columns, temporary / f"{name}.csv")
                write_table(columns, temporary / f"{name}.parquet")
        record = {**ranking.provenance, "kind": "ranking", "ranking": dict(ranking.facts)}
        text = json.dumps(record, indent=2, default=_number, ensure_ascii=False)
        (temporary / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    return folder


def read_ranking(folder: str | Path) -> Ranking:
    """Read a ranking.

    Parameters
    ----------
    folder : str or Path
        What `write_ranking` wrote.

    Raises
    ------
    InputError
        If a table is missing or damaged.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        facts = record.pop("ranking")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder} is no whole ranking ({PROVENANCE}); make it again with coverslip predict."
        ) from error
    tables = {name: folder / f"{name}.parquet" for name in TABLES}
    if not tables["samples"].is_file():
        raise InputError(f"{tables['samples']} is missing; make the ranking again with coverslip predict.")
    found = {name: read_table(path) if path.is_file() else {} for name, path in tables.items()}
    if not len(next(iter(found["treatments"].values()), ())):
        found["treatments"] = {}
    return Ranking(found["samples"], found["scales"], found["treatments"], found["doses"], facts, record)


def _plain(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Text where a column of objects mixes text and gaps."""
    found = {}
    for name, column in table.items():
        values = np.asarray(column)
        if values.dtype.kind == "O":
            values = np.array(["" if v is None or v != v else str(v) for v in values.tolist()], object)
        found[name] = values
    return found


def _number(value: object) -> object:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)
