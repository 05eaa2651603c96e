"""Boxes and points as tables have them: a row for each object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Marks, about
from coverslip.io.cells import read_cells
from coverslip.io.meant import Meant
from coverslip.io.tables import read_table

EDGES = ("left_px", "top_px", "right_px", "bottom_px")
_BOXES = (EDGES, ("xmin", "ymin", "xmax", "ymax"), ("x0", "y0", "x1", "y1"))
_POINTS = (("x_px", "y_px"), ("x", "y"), ("X", "Y"))
_CLASSES = ("class", "label", "name", "type", "Class", "Label")


def table_marks(path: Path, image: str, twins: bool = False) -> Marks:
    """The marks of a table: of boxes, if it has four columns of edges, else of points.

    Raises
    ------
    InputError
        If the columns are missing; the message names those that are looked for.
    """
    table = columns_of(path)
    columns = next((names for names in (*_BOXES, *_POINTS) if set(names) <= set(table)), None)
    called = next((name for name in _CLASSES if name in table), None)
    if columns is None or called is None:
        raise InputError(
            f"{path} marks nothing: it needs a class (column 'class' or 'label') and boxes ({', '.join(EDGES)}) or "
            f"points (x_px, y_px); it has {', '.join(table)}."
        )
    with about(path):
        rows = _of_image(table, image, twins)
    try:
        values = np.stack([_numbers(table[name][rows]) for name in columns], axis=1)
    except (TypeError, ValueError):
        raise InputError(f"{path}: the columns {', '.join(columns)} should hold numbers; mend them.") from None
    names = np.array(["" if name is None else str(name) for name in table[called][rows].tolist()], object)
    if len(columns) == 4:
        return Marks(values, names)
    return Marks(np.concatenate([values, values], axis=1), names, points=True)


def columns_of(path: Path) -> Mapping[str, np.ndarray]:
    """The columns of a table; of a CSV the texts, as any program of any country saves it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if path.suffix.lower() != ".csv":
        return read_table(path)
    cells = read_cells(path)
    return {name: np.array([row[name] for row in cells.rows], object) for name in cells.columns}


def _numbers(values: np.ndarray) -> np.ndarray:
    """Numbers; NaN for an empty cell."""
    return np.array(["nan" if value == "" else value for value in values.tolist()], object).astype(np.float64)


def _of_image(table: Mapping[str, Any], image: str, twins: bool) -> np.ndarray:
    """Which rows are about an image, where a column says so."""
    if "image" not in table:
        return np.ones(len(next(iter(table.values()))), bool)
    said = table["image"].astype(str)
    names = np.unique(said)
    return np.isin(said, names[Meant(names.tolist()).by(image, twins)])
