"""Write results made of label images: a folder with a sheet, or a single file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.results import LabelMap
from coverslip.read.atomic import atomic_folder, atomic_path
from coverslip.read.label_folder import OBJECTS, PROVENANCE, SHEET, LabelFolder, key_names
from coverslip.read.labels import labels_path, write_labels
from coverslip.read.paths import PATH_COLUMNS, distinct_stems, relative_path, resolve_path


def write_label_folder(
    results: Iterable[tuple[LabelMap, Mapping[str, np.ndarray] | None]],
    out: str | Path,
    rows: Sequence[Mapping[str, str]],
    base: str | Path,
    *,
    numbers: Sequence[int] = (),
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> LabelFolder:
    """Write label images as a folder, one at a time as they come.

    Parameters
    ----------
    results : iterable of (LabelMap, mapping or None)
        For each row its labels, and its table of objects (`coverslip.measure.object_table`) if there is one.
    out : str or Path
        The folder: ``<image>.labels.tif`` for each row, ``sheet.csv``, ``objects.parquet`` (all tables, with the column
        ``image`` in front) and ``provenance.json``. It appears once all of it is there.
    rows : sequence of mapping
        The sheet that was predicted on. All its columns are kept; its masks, the truth, as ``source_mask``.
    base : str or Path
        The folder that paths in the rows are relative to.
    numbers : sequence of int, optional
        Row numbers of the sheet, for file names where several rows share an image's name; default: from 2.
    provenance : mapping, optional
        Inputs with hashes, model, seed, versions.
    overwrite : bool
        Replace a folder of labels that is there already.

    Returns
    -------
    LabelFolder

    Raises
    ------
    InputError
        If the folder holds something (else than labels), or cannot be written.
    """
    out = Path(out)
    if overwrite:
        refuse_other_things(out)
    written = plan_rows(rows, base, out, numbers)
    with atomic_folder(out, overwrite=overwrite) as folder:
        tables = []
        for row, (labels, objects) in zip(written, results, strict=True):
            write_labels(labels, folder / row["mask"])
            tables.append(objects)
        finish_label_folder(folder, written, tables, provenance)
    return LabelFolder(out, out, written, dict(provenance or {}))


def refuse_other_things(out: Path) -> None:
    """Refuse to replace a folder that holds other things than labels.

    Raises
    ------
    InputError
        Naming it.
    """
    if out.is_dir() and any(out.iterdir()) and not _holds_labels(out):
        raise InputError(f"{out} holds other things than labels, so it is not replaced; choose another folder.")


def plan_rows(
    rows: Sequence[Mapping[str, str]], base: str | Path, out: str | Path, numbers: Sequence[int] = ()
) -> list[dict[str, str]]:
    """The rows of the sheet in a folder of labels: each with its label image, paths as seen from there.

    Parameters
    ----------
    rows, base, out, numbers
        As for `write_label_folder`.

    Returns
    -------
    list of dict of str to str
        ``mask`` is a file name that no other row has.
    """
    base = Path(base)
    stems = [labels_path(resolve_path(base, row["image"])).name.removesuffix(".labels.tif") for row in rows]
    names = distinct_stems(stems, numbers or range(2, len(rows) + 2))
    return [_row(row, f"{name}.labels.tif", base, Path(out)) for row, name in zip(rows, names, strict=True)]


def finish_label_folder(
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    tables: Iterable[Mapping[str, np.ndarray] | None],
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write what makes a folder of label images a result: its sheet, its table of objects and its provenance.

    Parameters
    ----------
    folder : Path
        Holds the label images.
    rows : sequence of mapping
        From `plan_rows`.
    tables : iterable of mapping or None
        The table of objects of each row.
    provenance : mapping, optional
        Inputs with hashes, model, seed, versions.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / SHEET).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    keys = key_names(rows)
    found = [
        (table, {name: row.get(name, "") for name in keys})
        for row, table in zip(rows, tables, strict=True)
        if table is not None
    ]
    if found:
        write_objects(found, folder / OBJECTS)
    text = json.dumps(dict(provenance or {}), indent=2, default=str)
    (folder / PROVENANCE).write_text(text, encoding="utf-8")


def write_label_file(labels: LabelMap, out: str | Path, objects: Mapping[str, np.ndarray] | None = None) -> Path:
    """Write the labels of one image, and its table of objects beside them.

    Parameters
    ----------
    labels : LabelMap
        Its provenance goes into the file.
    out : str or Path
        ``<stem>.labels.tif``; the table becomes ``<stem>.objects.parquet``.
    objects : mapping of str to ndarray, optional
        From `coverslip.measure.object_table`.

    Returns
    -------
    Path
        The label image.
    """
    path = labels_path(out)
    if objects is not None:
        key = {"image": relative_path(Path(labels.source), path.parent)}
        with atomic_path(path.with_name(path.name.removesuffix(".labels.tif") + f".{OBJECTS}")) as temporary:
            write_objects([(objects, key)], temporary)
    return write_labels(labels, path)


def _holds_labels(folder: Path) -> bool:
    return (folder / SHEET).is_file() and any(folder.glob("*.labels.tif"))


def _row(row: Mapping[str, str], mask: str, base: Path, out: Path) -> dict[str, str]:
    """A row as it stands in the new sheet."""
    kept = {key: text for key, text in row.items() if key not in ("image", "mask")}
    if row.get("mask") and not kept.get("source_mask"):
        kept["source_mask"] = row["mask"]
    kept = {"image": row["image"], **kept}
    for column in set(PATH_COLUMNS).intersection(kept):
        if kept[column]:
            kept[column] = relative_path(resolve_path(base, kept[column]), out)
    return {"image": kept.pop("image"), "mask": mask, **kept}


def write_objects(tables: Iterable[tuple[Mapping[str, np.ndarray], Mapping[str, str]]], path: Path) -> None:
    """Write tables of objects as one, each with what tells its image apart (such as ``image``) in front."""
    import pyarrow as pa
    from pyarrow import parquet

    # Micrometres, known for some images only, are missing for the others.
    whole = pa.concat_tables([_objects(table, key) for table, key in tables], promote_options="default")
    parquet.write_table(whole, path)


def _objects(objects: Mapping[str, np.ndarray], key: Mapping[str, str]) -> Any:
    import pyarrow as pa

    count = len(next(iter(objects.values()), ()))
    said = {name: pa.array([text] * count, pa.string()) for name, text in key.items()}
    return pa.table({**said, **{name: pa.array(np.asarray(column)) for name, column in objects.items()}})
