"""The verb measure: the objects of any labels, measured anew in the images they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Written, about, track
from coverslip.core.words import number_of
from coverslip.io.atomic import atomic_path, free_place, refuse_own
from coverslip.io.cells import read_cells
from coverslip.io.images.opening import is_image_name
from coverslip.io.labels import image_stem, labels_path, read_labels
from coverslip.io.listing import bare_name, folded, is_outlines, mask_name
from coverslip.io.paths import PARTS, relative_path
from coverslip.io.tables import write_table
from coverslip.results.labels.folder import IMAGES, KEYS, OBJECTS, LabelFolder, read_label_folder
from coverslip.results.labels.joining import relocated
from coverslip.results.labels.objects import Table, input_of, joined, measured, written_tables
from coverslip.results.labels.options import Measure
from coverslip.results.labels.pairs import mask_files
from coverslip.results.labels.sources import noted_carried, source_of
from coverslip.results.labels.writer import counts_of, write_objects
from coverslip.samples.sheets.masks import SHEET
from coverslip.samples.sheets.sheet import Sheet, folder_sheet, holds_one_image, read_sheet

_SUFFIXES = (".csv", ".parquet")


def measure(labels: Any, images: Any, how: Mapping[str, Any], options: Measure) -> Table:
    """Measure the objects of labels; see `coverslip.measure_labels`."""
    found = labels_to_measure(labels, images)
    return joined(found, _tables(found, how, options))


def measure_to_file(
    labels: str | Path,
    images: str | Path | None,
    out: str | Path | None,
    force: bool,
    how: Mapping[str, Any],
    options: Measure,
) -> Written:
    """Measure the objects of labels and write their table; see `coverslip.verbs.measure.measure_to_file`."""
    found = labels_to_measure(labels, images)
    own = None if out is not None else own_place(found)
    notes: tuple[str, ...] = ()
    if own is None:
        path = free_place(out or f"{_called(found)}.objects.csv", _SUFFIXES, force)
        refuse_own(path, found.files())
        tables = _tables(found, how, options)
        write_table(relocated(joined(found, tables), found.folder, path.parent), path)
    else:
        path = own
        tables, notes = _with_others(found, _tables(found, how, options), path, force)
        replace_own(found, tables, path)
    objects = sum(len(table["label"]) for table in tables)
    said = f"Measured {number_of(objects, 'object')} in {number_of(len(found), 'image')}"
    return Written(path, said, notes=notes)


def labels_to_measure(labels: Any, images: Any = None) -> LabelFolder:
    """Label images with the image of each.

    Parameters
    ----------
    labels : LabelFolder, str or Path
        A result, a sheet with the columns ``image`` and ``mask``, a folder of label images, or one of them.
    images : str or Path, optional
        The image of one label image, or where images are: a folder or a sheet. A label image that names no image is of
        the one of the same name.

    Raises
    ------
    InputError
        If there are no labels, or it is unclear which image they are of.
    """
    found = labels if isinstance(labels, LabelFolder) else _opened(Path(labels), images)
    if images is not None and not Path(images).exists():
        raise InputError(f"{images} does not exist; give the folder of the images, a sheet, or one image.")
    if images is not None and holds_one_image(images):
        if len(found) > 1:
            raise InputError(f"{images} is one image, but {found.path} holds {len(found)} label images; give a folder.")
        return replace(found, rows=[{**found.rows[0], "image": relative_path(Path(images), found.folder)}])
    if images is None:
        if not all(row.get("image") for row in found.rows):
            raise InputError(f"{found.path} does not say which images its labels are of; give their folder.")
        return found
    moved = Path(images) if Path(images).is_dir() else Path(images).parent
    by_name = defaultdict(list)
    if not all(row.get("image") for row in found.rows):
        for name, file, said in _named_images(read_sheet(images), found.folder):
            by_name[folded(name)].append((file.resolve(), said))
    rows = []
    for i, row in enumerate(found.rows):
        if row.get("image"):
            rows.append({**row, "image": relative_path(found.existing(i, "image", moved), found.folder)})
            continue
        mask = found.existing(i)
        named = (by_name.get(folded(name)) for name in (bare_name(mask), mask_name(mask)))
        own = [said for file, said in next(filter(None, named), []) if file != mask.resolve()]
        if len(own) != 1:
            what = f"{len(own)} images" if own else "no image"
            raise InputError(f"{mask}: {what} of that name in {images}; say which in a sheet with image and mask.")
        rows.append({**row, **own[0]})
    return replace(found, rows=rows)


def _named_images(sheet: Sheet, folder: Path) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """The images of a sheet: how labels of each are called, its file, and what a row in `folder` says of it."""
    for file, row in zip(sheet.files("image"), sheet.rows, strict=True):
        said = {"image": relative_path(file, folder), **{k: row[k] for k in (*PARTS, "axes") if k in row}}
        yield image_stem(row, sheet.folder), file, said


def _opened(path: Path, images: Any) -> LabelFolder:
    if path.is_dir() and path.suffix.lower() != ".zarr" and not (path / SHEET).is_file():
        rows: list[dict[str, str]] = []
        if images is None:
            with suppress(InputError):  # it may hold masks alone
                rows = [row for row in folder_sheet(path, beside=True).rows if row.get("mask")]
        rows = rows or [{"image": "", "mask": file.name} for file in mask_files(path)]
        if not rows:
            raise InputError(f"{path} holds no label images; give a folder of label images, or a sheet with masks.")
        return LabelFolder(path, path, rows)
    if is_outlines(path):
        return LabelFolder(path, path.parent, [{"image": "", "mask": path.name}])
    if path.is_file() and not is_image_name(path):
        cells = read_cells(path)
        kept = [i for i, row in enumerate(cells.rows) if row.get("mask")]  # the others have no labels
        if not kept:
            raise InputError(f"{path} names no label images; fill its column 'mask'.")
        numbers = tuple(cells.numbers[i] for i in kept)
        return LabelFolder(path, path.parent, [cells.rows[i] for i in kept], numbers=numbers)
    return read_label_folder(path)


def _called(found: LabelFolder) -> str:
    return labels_path(found.path.resolve()).name.removesuffix(".labels.tif")


def own_place(found: LabelFolder) -> Path | None:
    """The table of a result of ours; None for labels of others, and where objects were not measured as labels."""
    ours = "versions" in found.provenance or found.objects_file is not None
    if not ours or found.path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return None
    if any(row.get("layers") for row in found.rows):
        raise InputError(
            f"The table of {found.path} says more of its objects than labels can, so it is not replaced; name another "
            "place with --out."
        )
    name = OBJECTS if found.path.is_dir() and found.path.suffix.lower() != ".zarr" else f"{_called(found)}.{OBJECTS}"
    return found.folder / name


def replace_own(found: LabelFolder, tables: Sequence[Table], place: Path) -> None:
    """Replace the table of a result, and its counts; the columns of its sheet ride along."""
    sources = [source_of(found.folder, row, found.key(i)) for i, row in enumerate(found.rows)]
    measured = list(zip(tables, sources, strict=True))
    with atomic_path(place) as temporary:
        write_objects(measured, temporary, found.rows)
    if (found.folder / IMAGES).is_file() and found.path.is_dir():
        write_table(counts_of(measured, found.rows), found.folder / IMAGES)


def _tables(found: LabelFolder, how: Mapping[str, Any], options: Measure) -> list[Table]:
    around = options.model_dump()
    tables = []
    for i in track(range(len(found)), "Measuring objects"):
        image = found.image(i)
        with about(found.where(i)):
            labels = read_labels(found.existing(i), (image.height, image.width))
            tables.append(measured(labels, image, {**input_of(found), **how}, around))
    return tables


def _with_others(
    found: LabelFolder, tables: Sequence[Table], place: Path, force: bool
) -> tuple[list[Table], tuple[str, ...]]:
    """Tables with the further columns of the one that is replaced, where they still are of the same labels."""
    old = found.objects() or {}
    carried = noted_carried(place) if place.is_file() else []
    others = [name for name in old if name not in (*KEYS, *carried) and not any(name in table for table in tables)]
    if not others:
        return list(tables), ()
    written = written_tables(found)
    changed = sum(table is None for table in written)
    named = ", ".join(others)
    if changed and not force:
        raise InputError(
            f"{place} has further columns ({named}), which would be lost where labels have changed: say --force, or "
            "name another place with --out."
        )
    kept = [
        table if was is None else {**table, **{name: _by_label(was, name, table["label"]) for name in others}}
        for table, was in zip(tables, written, strict=True)
    ]
    lost = f", but for {changed} of {number_of(len(found), 'image')}, whose labels have changed" if changed else ""
    return kept, (f"The table keeps its further columns ({named}){lost}.",)


def _by_label(table: Table, name: str, labels: np.ndarray) -> np.ndarray:
    """A column in the order of other labels; missing where there is no such object."""
    column = table[name]
    row_of = {label: row for row, label in enumerate(table["label"].tolist())}
    rows = np.array([row_of.get(label, -1) for label in labels.tolist()], np.intp)
    if (rows >= 0).all():
        return np.asarray(column[rows])
    text = column.dtype == object
    missing = np.full(1, None if text else np.nan, object if text else float)
    return np.concatenate([column.astype(missing.dtype), missing])[rows]  # the last one: there is no such object
