"""What is known of objects elsewhere, beside what was measured of them: the columns of the sheet, and their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.io.paths import PARTS, PATH_COLUMNS, relative_path, resolve_path
from coverslip.results.labels.folder import LabelFolder
from coverslip.samples.opening.columns import typed_column

_NOT_CARRIED = {*PATH_COLUMNS, *PARTS, "axes", "pixel_size", "zoom"}
"""Columns that say how an image is opened, not what it is of."""

_OBJECT = ("object", "coverslip_object")
"""Columns of cells that say which object each was cut out of; the latter where the sheet has an ``object`` itself."""


def sheet_columns(
    rows: Sequence[Mapping[str, str]], counts: Sequence[int], taken: Sequence[str]
) -> dict[str, np.ndarray]:
    """The columns of a sheet for each object of its images: plate, well, treatment and whatever else.

    Parameters
    ----------
    rows : sequence of mapping
        A row for each image.
    counts : sequence of int
        How many objects each has.
    taken : sequence of str
        Columns that the objects have; one of the sheet that is called so becomes ``sheet_<name>``.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Numbers where all of a column is, else text, None where it is empty.
    """
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        texts = [row.get(name, "") for row in rows]
        own = all(text.endswith(f".{name}.tif") for text in texts)  # a file of the result itself
        if name in _NOT_CARRIED or own or not any(texts):
            continue
        column = typed_column(name, texts)
        if column.dtype.kind == "U":
            column = np.array([text or None for text in column.tolist()], object)
        called = name
        while called in taken:
            called = f"sheet_{called}"
        found[called] = np.repeat(column, counts)
    return found


def cells_of(found: LabelFolder, index: int, cells: Embedding, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The columns and vectors that an embedding has of the objects of one image.

    Parameters
    ----------
    found : LabelFolder
        The labels that the cells were cut out with.
    index : int
        The image.
    cells : Embedding
        With the columns ``object`` and ``source_mask``, as ``coverslip samples crop`` and ``predict`` leave them.
    labels : ndarray of int, shape (n,)
        The objects.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        What is missing of an object that is no cell is NaN, or None.

    Raises
    ------
    InputError
        If the cells do not say which objects they are.
    """
    obs = cells.adata.obs
    number = next((name for name in reversed(_OBJECT) if name in obs and "source_mask" in obs), None)
    if number is None:
        raise InputError(
            "The cells do not say which objects they are (no columns 'object' and 'source_mask'); cut them out with "
            "coverslip samples crop, from the folder of these labels."
        )
    own = _own(found, index, cells)
    row_of = {int(label): row for row, label in zip(own, obs[number].to_numpy()[own], strict=True)}
    rows = np.array([row_of.get(int(label), -1) for label in labels], np.intp)
    table = {str(name): _picked(obs[name].to_numpy(), rows) for name in obs.columns if name not in (*_PLACES, number)}
    vectors = {f"latent_{i + 1}": _picked(column, rows) for i, column in enumerate(cells.latent.T)}
    return {**table, **vectors}


_PLACES = (*PATH_COLUMNS, *PARTS, *(f"source_{name}" for name in PARTS))


def _own(found: LabelFolder, index: int, cells: Embedding) -> np.ndarray:
    """The rows of the cells that were cut out of one image: by the file of its labels, else by that file's name."""
    masks = cells.column("source_mask").astype(str)
    file = found.existing(index)
    inputs: Any = cells.provenance.get("inputs")
    base = Path(str(inputs.get("folder", "."))) if isinstance(inputs, Mapping) else Path()
    wanted = file.resolve()
    same = {text for text in set(masks.tolist()) if resolve_path(base, text).resolve() == wanted}
    same = same or {text for text in set(masks.tolist()) if Path(text).name == file.name}
    return np.flatnonzero(np.isin(masks, [*same]))


def _picked(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A column at some rows, missing at -1."""
    if column.dtype.kind in "biuf":
        values = np.append(column.astype(float), np.nan)
        return values[rows]
    return np.array([column[row] if row >= 0 else None for row in rows], object)


def class_names(table: Mapping[str, np.ndarray], name: str, where: Any) -> np.ndarray:
    """What each object is, by a column: the texts, or whole numbers, in it; of measures the quarter it lies in.

    Returns
    -------
    ndarray of str as objects, shape (N,)
        Empty where the column says nothing.

    Raises
    ------
    InputError
        If there is no such column.
    """
    if name not in table:
        raise InputError(f"The objects of {where} have no column '{name}'; they have: {', '.join(table)}.")
    column = np.asarray(table[name])
    if column.dtype.kind not in "iuf":
        texts = ["" if value is None else str(value) for value in column.tolist()]
        return np.array([f"{name} {text}" if text.isdecimal() else text for text in texts], object)
    known = np.isfinite(column)
    values = np.unique(column[known])
    if len(values) <= _MOST_CLASSES and (values == np.rint(values)).all():
        return np.array([f"{name} {value:g}" if ok else "" for value, ok in zip(column, known, strict=True)], object)
    edges = np.unique(np.quantile(column[known], [0, 0.25, 0.5, 0.75, 1]))
    quarter = np.searchsorted(edges[1:-1], column, side="right")
    ranges = [f"{name} {low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return np.array([ranges[q] if ok else "" for q, ok in zip(quarter, known, strict=True)], object)


_MOST_CLASSES = 40


def relocated(table: Mapping[str, np.ndarray], folder: Path, place: Path) -> dict[str, np.ndarray]:
    """A table whose paths, seen from `folder` so far, are seen from `place`."""
    found = dict(table)
    for name in set(PATH_COLUMNS).intersection(found):
        moved: dict[Any, Any] = {}
        for text in set(found[name].tolist()) - {None, ""}:
            moved[text] = relative_path(resolve_path(folder, text), place)
        found[name] = np.array([moved.get(text, text) for text in found[name].tolist()], object)
    return found
