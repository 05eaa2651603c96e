"""Detections as a folder: tables, GeoJSON for QuPath and pictures; it is a sheet with annotations itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Detections, Image, InputError, PixelSize, file_hash
from coverslip.core.marks import Rings
from coverslip.core.words import number_of
from coverslip.figures.colours import category_colours
from coverslip.io.atomic import atomic_folder
from coverslip.io.cells import read_cells, write_cells
from coverslip.io.marks.tables import EDGES
from coverslip.io.marks.writing import colours_of, write_qupath
from coverslip.io.paths import (
    PATH_COLUMNS,
    distinct_stems,
    moved_path,
    part_of,
    relative_path,
    resolve_path,
    split_part,
)
from coverslip.io.tables import read_table, write_table
from coverslip.io.tags import NOTE, PROVENANCE
from coverslip.measure.detections.markers import expression
from coverslip.measure.detections.places import composition, region_table
from coverslip.measure.detections.staging import STAGING
from coverslip.samples.sheets.rows import frame_of, open_cell
from coverslip.samples.sheets.sheet import Sheet

OBJECTS, REGIONS, COMPOSITION, SUMMARY, MARKERS, SHEET = (
    "detections.parquet",
    "regions.parquet",
    "composition.csv",
    "regions.csv",
    "markers.csv",
    "sheet.csv",
)
STAGED_BY = "staging.json"
"""In a folder of regions: how cells stage them, where the region model learned it."""
POSITIVE = "positive_"
"""Columns that begin so say which cells express a marker."""
_FORM = "detections"
"""Under this name the provenance says what the tables do not."""
_OURS = ("row", "image", "object", "class", "score", *EDGES, "x_px", "y_px", "x_um", "y_um", "outline")


def marker_names(found: Detections) -> list[str]:
    """The markers that are known of the cells."""
    return [name.removeprefix(POSITIVE) for name in found.columns if name.startswith(POSITIVE)]


@dataclass(frozen=True)
class DetectionFolder:
    """Detections of some images, in a folder.

    Parameters
    ----------
    path : Path
        The folder.
    rows : list of dict of str to str
        One per image: ``image``, ``annotation`` (the GeoJSON here), ``source_annotation`` (the truth, where the sheet
        had one) and the other columns of the sheet that was predicted on.
    found : list of Detections
        Of each.
    provenance : mapping
        Inputs with hashes, model, seed, versions.
    hashes : sequence of str
        Of the GeoJSON of each image as it was written; empty where that was not noted.
    """

    path: Path
    rows: list[dict[str, str]] = field(repr=False)
    found: list[Detections] = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hashes: Sequence[str] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def notes(self) -> tuple[str, ...]:
        """A sentence on GeoJSON that was changed since, as in QuPath: tables and numbers are of what was found."""
        written = {row["annotation"]: was for row, was in zip(self.rows, self.hashes, strict=False)}
        changed = [name for name, was in written.items() if not _is(self.path / name, was)]
        if not changed:
            return ()
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return (
            f"{changed[0]}{more} was changed since; numbers and tables are of what was found, so measure the result "
            f"against {self.path / SHEET}, or fit to that.",
        )

    def detections(self, index: int) -> Detections:
        """Those of one image."""
        return self.found[index]

    def image(self, index: int) -> Path:
        """The file of an image."""
        return resolve_path(self.path, self.rows[index]["image"])

    def opened(self, index: int, images: str | Path | None = None) -> Image:
        """An image, the part of its file that is meant, also in the folder that it has moved to; nothing is read."""
        row = dict(self.rows[index])
        if images is not None:
            row["image"] = str(moved_path(self.image(index), Path(images)).absolute())
        sheet = Sheet(self.path, tuple(row), [row])
        return frame_of(sheet, 0, open_cell(sheet, 0))


def palette(found: Detections) -> dict[str, str]:
    """The colour of each class, of regions too."""
    names = [*found.classes, *(found.regions.classes if found.regions is not None else ())]
    return colours_of(names, category_colours(len(names)))


def plan(rows: Sequence[Mapping[str, str]], base: Path, out: Path, numbers: Sequence[int]) -> list[dict[str, str]]:
    """The rows of the sheet in a folder of detections: each with its GeoJSON, paths as seen from there."""
    stems = distinct_stems([Path(row["image"]).stem for row in rows], numbers)
    planned = []
    for row, stem in zip(rows, stems, strict=True):
        kept = {name: text for name, text in row.items() if name not in ("image", "annotation", "points")}
        truth = row.get("annotation") or row.get("points")
        if truth and not kept.get("source_annotation"):
            kept["source_annotation"] = truth
        kept = {"image": row["image"], **kept}
        for column in set(PATH_COLUMNS).intersection(kept):
            if kept[column]:
                kept[column] = relative_path(resolve_path(base, kept[column]), out)
        planned.append({"image": kept.pop("image"), "annotation": f"{stem}.geojson", **kept})
    return planned


def finish_folder(
    folder: Path, rows: Sequence[Mapping[str, str]], found: Sequence[Detections], record: Mapping[str, Any]
) -> None:
    """Write the tables, the sheet and the provenance of all images; GeoJSON and pictures are there."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_cells(folder / SHEET, columns, rows)
    images = [row["image"] for row in rows]
    hashes = [file_hash(folder / row["annotation"]) for row in rows]
    facts = {name: value for name, value in record.items() if name != STAGING}
    facts |= {"kind": "detections", _FORM: {**_form(rows, found), "sha256": hashes}}
    if STAGING in record:
        (folder / STAGED_BY).write_text(json.dumps(record[STAGING]), encoding="utf-8")
    notes = {NOTE: json.dumps(facts, default=str)}
    write_table(_stacked(images, [object_columns(one) for one in found]), folder / OBJECTS, notes=notes)
    write_table(rows_as_columns(_compositions(images, found)), folder / COMPOSITION)
    profile = [
        {"image": image, **row}
        for image, one in zip(images, found, strict=True)
        for marker in marker_names(one)
        for row in expression(one, marker)
    ]
    if profile:
        write_table(rows_as_columns(profile), folder / MARKERS)
    own = [one.regions for one in found]
    if any(one is not None for one in own):
        regions = [object_columns(one) if one is not None else {} for one in own]
        write_table(_stacked(images, regions), folder / REGIONS)
        write_table(_stacked(images, [region_table(one) for one in found]), folder / SUMMARY)
    (folder / PROVENANCE).write_text(json.dumps(facts, indent=2, default=str), encoding="utf-8")


def write_value(found: Detections | Sequence[Detections], path: str | Path) -> Path:
    """Write detections in memory as a folder.

    Parameters
    ----------
    found : Detections or sequence of these
        Of one or of several images.
    path : str or Path
        The folder; it should be new or empty.
    """
    some = [found] if isinstance(found, Detections) else list(found)
    path = Path(path)
    named = [split_part(one.source) for one in some]
    images = [{"image": str(Path(source).absolute()), **part} for source, part in named]
    rows = plan(images, Path(), path, range(2, len(some) + 2))
    with atomic_folder(path) as folder:
        for row, one in zip(rows, some, strict=True):
            write_qupath(one, folder / row["annotation"], palette(one))
        finish_folder(folder, rows, some, some[0].provenance)
    return path


def read_detections(path: str | Path) -> DetectionFolder:
    """Read a folder of detections.

    Raises
    ------
    InputError
        If it is none, or a file of it is missing or damaged.
    """
    path = Path(path)
    if not (path / OBJECTS).is_file():
        raise InputError(f"{path} holds no detections ({OBJECTS} is missing); give the folder that predict wrote.")
    rows = read_cells(path / SHEET).rows
    try:
        facts = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
        form = facts.pop(_FORM)
        sizes = [tuple(map(int, one)) for one in form["sizes"]]
        pixels = [None if one is None else PixelSize(*one) for one in form["pixel_sizes"]]
        excluded = [tuple(_rings(each) for each in one) for one in form["excluded"]]
        lists = form["classes"], form.get("region_classes")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} has no usable {PROVENANCE} ({error}); predict anew.") from None
    known = facts if not (path / STAGED_BY).is_file() else {**facts, STAGING: _staging(path / STAGED_BY)}
    if len(rows) != len(sizes):
        raise InputError(
            f"{path / SHEET} has {number_of(len(rows), 'row')}, but "
            f"{number_of(len(sizes), 'image was', 'images were')} predicted; predict anew."
        )
    rows = _as_written(rows, form.get("files"), path / SHEET)
    tables = _parted(read_table(path / OBJECTS), len(rows))
    regions: list[Detections | None] = [None] * len(rows)
    if lists[1] is not None and (path / REGIONS).is_file():
        own = _parted(read_table(path / REGIONS), len(rows))
        regions = [
            _value(table, tuple(lists[1]), _source(path, row), size, pixel, facts)
            for table, row, size, pixel in zip(own, rows, sizes, pixels, strict=True)
        ]
    found = [
        replace(
            _value(table, tuple(lists[0]), _source(path, row), size, pixel, known),
            regions=region,
            excluded=left,
        )
        for table, row, size, pixel, region, left in zip(tables, rows, sizes, pixels, regions, excluded, strict=True)
    ]
    return DetectionFolder(path, rows, found, facts, form.get("sha256", ()))


def _as_written(rows: list[dict[str, str]], files: Sequence[str] | None, sheet: Path) -> list[dict[str, str]]:
    """The rows in the order of the tables, which a spreadsheet may have changed: told by their GeoJSON."""
    if files is None:  # written before this was noted
        return rows
    own = {row.get("annotation", ""): row for row in rows}
    other = next((file for file in files if file not in own), None)
    if other is not None:
        raise InputError(f"{sheet} names no {other} in the column 'annotation' any more; put it back, or predict anew.")
    return [own[file] for file in files]


def _is(file: Path, sha256: str) -> bool:
    return file.is_file() and file_hash(file) == sha256


def _source(path: Path, row: Mapping[str, str]) -> str:
    return f"{resolve_path(path, row['image'])} {part_of(row)}".rstrip()


def _staging(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); predict anew.") from None


def object_columns(found: Detections) -> dict[str, np.ndarray]:
    """Detections as columns of a table."""
    middle = found.centres
    table: dict[str, np.ndarray] = {
        "object": np.arange(1, len(found) + 1),
        "class": found.names,
        "score": found.score,
        **{name: found.boxes[:, k] for k, name in enumerate(EDGES)},
        "x_px": middle[:, 0],
        "y_px": middle[:, 1],
    }
    if found.pixel_size is not None:
        table |= {"x_um": middle[:, 0] * found.pixel_size.x, "y_um": middle[:, 1] * found.pixel_size.y}
    table |= {name: np.asarray(column) for name, column in found.columns.items()}
    if found.regions is not None:
        names = np.array(["outside", *found.regions.names], object)
        table["region_class"] = names[np.asarray(found.columns["region"], int)]
    if found.outlines is not None:
        rings = [[ring.round(3).tolist() for ring in each] for each in found.outlines]
        table["outline"] = np.array([json.dumps(each) for each in rings], object)
    return table


def rows_as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Rows as the columns of a table; what a row lacks is missing."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: np.array([row.get(name, float("nan")) for row in rows]) for name in names}


def _compositions(images: Sequence[str], found: Sequence[Detections]) -> list[dict[str, Any]]:
    return [{"image": image, **row} for image, one in zip(images, found, strict=True) for row in composition(one)]


def _form(rows: Sequence[Mapping[str, str]], found: Sequence[Detections]) -> dict[str, Any]:
    sizes = [one.pixel_size for one in found]
    regions = next((one.regions for one in found if one.regions is not None), None)
    return {
        "files": [row["annotation"] for row in rows],
        "classes": list(found[0].classes),
        "region_classes": None if regions is None else list(regions.classes),
        "sizes": [list(one.size) for one in found],
        "pixel_sizes": [None if size is None else [size.y, size.x] for size in sizes],
        "excluded": [[[ring.tolist() for ring in rings] for rings in one.excluded] for one in found],
    }


def _stacked(images: Sequence[str], tables: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Tables of images below each other, with the image in front; numbers that one lacks are missing."""
    counts = [len(next(iter(table.values()), ())) for table in tables]
    names = list(dict.fromkeys(name for table in tables for name in table))
    stacked: dict[str, np.ndarray] = {
        "row": np.repeat(np.arange(1, len(images) + 1), counts),
        "image": np.repeat(np.array(images, object), counts),
    }
    for name in names:
        known = next(table[name] for table in tables if name in table)
        lacks = np.array([""], object) if known.dtype == object else np.array([np.nan])
        parts = [
            table[name] if name in table else np.repeat(lacks, count)
            for table, count in zip(tables, counts, strict=True)
            if count or name in table
        ]
        stacked[name] = np.concatenate(parts)
    return stacked


def _parted(table: Mapping[str, np.ndarray], count: int) -> list[dict[str, np.ndarray]]:
    """The table of each image."""
    row = np.asarray(table["row"], int)
    return [{name: values[row == number] for name, values in table.items()} for number in range(1, count + 1)]


def _value(
    table: Mapping[str, np.ndarray],
    classes: tuple[str, ...],
    source: str,
    size: tuple[int, ...],
    pixel: PixelSize | None,
    facts: Mapping[str, Any],
) -> Detections:
    place = {name: code for code, name in enumerate(classes)}
    outlines: tuple[Rings, ...] | None = None
    if "outline" in table:
        outlines = tuple(_rings(json.loads(text)) for text in table["outline"].tolist())
    return Detections(
        classes,
        np.stack([np.asarray(table[name], np.float64) for name in EDGES], axis=1).reshape(-1, 4),
        np.array([place.get(name, -1) for name in table["class"].tolist()], np.intp),
        np.asarray(table["score"], np.float64),
        source,
        (int(size[0]), int(size[1])),
        pixel,
        facts,
        {name: column for name, column in table.items() if name not in (*_OURS, "region_class")},
        outlines,
    )


def _rings(lists: Any) -> Rings:
    return tuple(np.asarray(ring, np.float64).reshape(-1, 2) for ring in lists)
