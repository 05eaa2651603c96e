"""Write results made of label images: a folder with a sheet, or a single file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import LabelMap
from coverslip.io.atomic import atomic_folder, atomic_path
from coverslip.io.labels import write_labels
from coverslip.io.paths import relative_path
from coverslip.io.tables import write_table
from coverslip.results.labels.folder import IMAGES, OBJECTS, LabelFolder, key_names
from coverslip.results.labels.joining import sheet_columns
from coverslip.results.labels.sources import Source, source_of, with_sources
from coverslip.samples.sheets.masks import plan_rows, refuse_other_things, write_masks_sheet


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


def finish_label_folder(
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    tables: Iterable[Mapping[str, np.ndarray] | None],
    provenance: Mapping[str, Any] | None = None,
) -> list[Source]:
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

    Returns
    -------
    list of Source
        What the table notes of each row that has objects.
    """
    write_masks_sheet(folder, rows, provenance)
    keys = key_names(rows)
    found = [
        (row, table, source_of(folder, row, {name: row.get(name, "") for name in keys}))
        for row, table in zip(rows, tables, strict=True)
        if table is not None
    ]
    if found:
        measured, kept = [(table, source) for _, table, source in found], [row for row, _, _ in found]
        write_objects(measured, folder / OBJECTS, kept)
        write_table(counts_of(measured, kept), folder / IMAGES)
    return [source for _, _, source in found]


def counts_of(
    tables: Sequence[tuple[Mapping[str, np.ndarray], Source]], rows: Sequence[Mapping[str, str]]
) -> dict[str, np.ndarray]:
    """What was found in each image: a row for each.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        What tells the images apart, ``objects``, the median of their diameters and their area together (in µm where
        the size of pixels is known of all, else in pixels), then the columns of the sheet.
    """
    keys = dict.fromkeys(name for _, source in tables for name in source.key)
    found = {name: np.array([source.key.get(name, "") for _, source in tables], object) for name in keys}
    found["objects"] = np.array([len(table["label"]) for table, _ in tables])
    unit = "um" if all("area_um2" in table for table, _ in tables) else "px"
    area, diameter = ("area_um2" if unit == "um" else "area_px"), f"equivalent_diameter_{unit}"
    if all({area, diameter} <= set(table) for table, _ in tables):
        sizes = [table[diameter] for table, _ in tables]
        found[f"median_diameter_{unit}"] = np.array([np.median(one) if len(one) else np.nan for one in sizes]).round(3)
        found[f"total_{area}"] = np.array([table[area].sum() for table, _ in tables]).round(3)
    return {**found, **sheet_columns(rows, [1] * len(tables), [*found])}


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
    path = write_labels(labels, out)
    if objects is not None:
        key = {"image": relative_path(Path(labels.source), path.parent)}
        with atomic_path(path.with_name(path.name.removesuffix(".labels.tif") + f".{OBJECTS}")) as temporary:
            write_objects([(objects, source_of(path.parent, {"mask": path.name}, key))], temporary)
    return path


def write_objects(
    tables: Iterable[tuple[Mapping[str, np.ndarray], Source]], path: Path, rows: Sequence[Mapping[str, str]] = ()
) -> None:
    """Write tables of objects as one, each with what tells its image apart (such as ``image``) in front.

    The columns of the sheet's `rows` follow. Which labels each table is of is noted in the file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    found = list(tables)
    # Micrometres, known for some images only, are missing for the others.
    whole = pa.concat_tables([_objects(table, source.key) for table, source in found], promote_options="default")
    counts = [len(next(iter(table.values()), ())) for table, _ in found]
    carried = sheet_columns(rows, counts, whole.column_names) if rows else {}
    for name, column in carried.items():
        whole = whole.append_column(name, pa.array(column.tolist() if column.dtype == object else column))
    noted = with_sources(whole, [source for _, source in found], carried)
    parquet.write_table(noted, path, write_page_checksum=True)


def _objects(objects: Mapping[str, np.ndarray], key: Mapping[str, str]) -> Any:
    import pyarrow as pa

    count = len(next(iter(objects.values()), ()))
    said = {name: pa.array([text] * count, pa.string()) for name, text in key.items()}
    return pa.table({**said, **{name: pa.array(np.asarray(column)) for name, column in objects.items()}})
