"""A folder of label images that is a sample sheet itself: each row of another sheet with the mask it was given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.core import InputError
from coverslip.io.atomic import refuse_own
from coverslip.io.cells import write_cells
from coverslip.io.labels import image_stem
from coverslip.io.paths import PATH_COLUMNS, distinct_stems, relative_path, resolve_path
from coverslip.io.tags import PROVENANCE

SHEET = "sheet.csv"


def plan_rows(
    rows: Sequence[Mapping[str, str]], base: str | Path, out: str | Path, numbers: Sequence[int] = ()
) -> list[dict[str, str]]:
    """The rows of the sheet in a folder of labels: each with its label image, paths as seen from there.

    Parameters
    ----------
    rows : sequence of mapping
        The sheet.
    base, out : str or Path
        What its paths are relative to, and the new folder.
    numbers : sequence of int, optional
        Row numbers of the sheet, for file names where several rows share an image's name; default: from 2.

    Returns
    -------
    list of dict of str to str
        ``mask`` is a file name that no other row has.
    """
    base = Path(base)
    stems = [image_stem(row, base) for row in rows]
    names = distinct_stems(stems, numbers or range(2, len(rows) + 2))
    return [_row(row, f"{name}.labels.tif", base, Path(out)) for row, name in zip(rows, names, strict=True)]


def refuse_other_things(
    out: Path, what: str = "labels", marks: Sequence[str] = (SHEET, "*.labels.tif"), own: Iterable[Path] = ()
) -> None:
    """Refuse to replace a folder that holds other things than are written to it, or what they are made from.

    Parameters
    ----------
    out : Path
        The folder.
    what : str
        What is written.
    marks : sequence of str
        Patterns of files that show that this is what it holds.
    own : iterable of Path
        What it is made from.

    Raises
    ------
    InputError
        Naming the folder.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not all(any(out.glob(mark)) for mark in marks):
        raise InputError(f"{out} holds other things than {what}, so it is not replaced; choose another folder.")
    refuse_own(out, own)


def write_masks_sheet(
    folder: Path, rows: Sequence[Mapping[str, str]], provenance: Mapping[str, Any] | None = None
) -> None:
    """Write the sheet of a folder of images that were made, and its provenance.

    Parameters
    ----------
    folder : Path
        Holds the label images.
    rows : sequence of mapping
        From `plan_rows`.
    provenance : mapping, optional
        Inputs with hashes, model, seed, versions.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_cells(folder / SHEET, columns, rows)
    text = json.dumps(dict(provenance or {}), indent=2, default=str)
    (folder / PROVENANCE).write_text(text, encoding="utf-8")


def _row(row: Mapping[str, str], mask: str, base: Path, out: Path) -> dict[str, str]:
    """A row as it stands in the new sheet."""
    kept = {key: text for key, text in row.items() if key not in ("image", "mask", "layers")}
    for truth in ("mask", "layers"):
        if row.get(truth) and not kept.get(f"source_{truth}"):
            kept[f"source_{truth}"] = row[truth]
    kept = {"image": row["image"], **kept}
    for column in set(PATH_COLUMNS).intersection(kept):
        if kept[column]:
            kept[column] = relative_path(resolve_path(base, kept[column]), out)
    return {"image": kept.pop("image"), "mask": mask, **kept}
