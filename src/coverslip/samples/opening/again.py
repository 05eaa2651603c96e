"""What a result was made from, found again by what the result says: its images, and the rows of a sheet about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError, Samples
from coverslip.io.paths import PARTS, part_of

if TYPE_CHECKING:
    from coverslip.samples.sheets.sheet import Sheet

Columns = Mapping[str, np.ndarray]


def images_of(obs: Columns, provenance: Mapping[str, Any], images: Any = None) -> tuple[Samples | None, str]:
    """The samples that a result has a row for each of, opened again; or None and why not.

    Parameters
    ----------
    obs : mapping of str to ndarray, shape (N,)
        The columns of the result.
    provenance : mapping
        Of the result: where the images are, and how they were opened.
    images : optional
        The images, as for `predict`, or the folder that the sheet's paths start from; default: where provenance says.

    Returns
    -------
    samples : Samples or None
        In the order of the result.
    complaint : str
        Why there are none; else empty.

    Raises
    ------
    InputError
        If `images` was given and does not have them.
    """
    from coverslip.samples import Sheet, open_samples

    options = provenance.get("model", {}).get("input") or {}
    if images is not None and not isinstance(images, str | Path):
        return open_samples(images, **options), ""
    if "image" not in obs:
        return None, "the result does not say where they are (no column 'image')."
    if images is not None and not Path(images).is_dir():
        raise InputError(f"There is no folder {images}; name the one that the sheet's paths start from.")
    folder = images or provenance.get("inputs", {}).get("folder")
    if folder is None or not len(obs["image"]):
        return None, "the result does not say where they are; name their folder (--images)."
    rows = rows_of(obs, ("image", *PARTS, "source", "axes"))
    try:
        return open_samples(Sheet(Path(folder), tuple(rows[0]), rows), **options), ""
    except InputError as error:
        if images is not None:
            raise
        return None, str(error)


def columns_of(sheet: Sheet, obs: Columns, provenance: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The columns of a sheet in the order of a result's rows, matched by image (and frame).

    Parameters
    ----------
    sheet : Sheet
        With a row for each of the result's.
    obs, provenance : mapping
        Of the result.

    Raises
    ------
    InputError
        If the result does not name its images, or the sheet lacks one.
    """
    if "image" not in obs:
        raise InputError(
            "The result does not say which image each row is (no column 'image'), so no sheet can be matched; leave "
            "the sheet out, or predict anew."
        )
    base = Path(provenance.get("inputs", {}).get("folder") or sheet.folder)
    # By the file itself; or, where images and result have moved since, by what the sheet calls it.
    rows = {(row["image"], _part(row)): row for row in sheet.rows}
    rows |= {(str((sheet.folder / row["image"]).resolve()), _part(row)): row for row in sheet.rows}
    matched = []
    for mine in rows_of(obs, ("image", *PARTS)):
        image, said = mine["image"], part_of(mine)
        row = rows.get((str((base / image).resolve()), said)) or rows.get((image, said))
        if row is None:
            where = ", ".join(filter(None, (image, said)))
            raise InputError(f"{sheet.name} has no row for {where}; give the sheet that the result was made from.")
        matched.append(row)
    return {name: np.array([row[name] for row in matched], dtype=object) for name in sheet.columns}


def rows_of(obs: Columns, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Some columns of a result as the rows of a sheet have them, those that there are."""
    known = [name for name in names if name in obs]
    cells = ([("" if is_empty(v) else as_text(v)) for v in np.asarray(obs[name]).tolist()] for name in known)
    return [dict(zip(known, row, strict=True)) for row in zip(*cells, strict=True)]


def _part(row: Mapping[str, Any]) -> str:
    return part_of({name: as_text(row[name]) for name in PARTS if not is_empty(row.get(name))})


def is_empty(value: Any) -> bool:
    """Whether a cell of a table says nothing: None, NaN or an empty text."""
    return value is None or value != value or value == ""


def as_text(value: Any) -> str:
    """A cell as a sheet has it: whole numbers without a point, also where a gap elsewhere made them floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def alike(names: Iterable[str]) -> str:
    """A sentence on two of these names that differ in capitals or blanks alone; empty where none do."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault("".join(name.casefold().split()), name)
        if other != name:
            return f"'{other}' and '{name}' are taken for two classes; write them alike if they are one."
    return ""


def as_words(column: np.ndarray) -> np.ndarray:
    """A column as texts, empty where it says nothing."""
    return np.array(["" if is_empty(value) else as_text(value) for value in np.asarray(column).tolist()], dtype=object)
