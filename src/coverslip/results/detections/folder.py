"""Detections as a folder: tables, GeoJSON for QuPath and pictures; it is a sheet with annotations itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coverslip.core import Detections, Image, InputError, PixelSize, file_hash
from coverslip.core.words import number_of
from coverslip.figures.colours import category_colours
from coverslip.io.atomic import atomic_folder
from coverslip.io.cells import read_cells, write_cells
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
from coverslip.measure.detections.places import region_table
from coverslip.measure.detections.staging import STAGING
from coverslip.results.detections.tables import (
    compositions,
    marker_names,
    object_columns,
    parted,
    rings_of,
    rows_as_columns,
    stacked,
    value_of,
)
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

_FORM = "detections"
"""Under this name the provenance says what the tables do not."""


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
    write_table(stacked(images, [object_columns(one) for one in found]), folder / OBJECTS, notes=notes)
    write_table(rows_as_columns(compositions(images, found)), folder / COMPOSITION)
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
        write_table(stacked(images, regions), folder / REGIONS)
        write_table(stacked(images, [region_table(one) for one in found]), folder / SUMMARY)
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
        excluded = [tuple(rings_of(each) for each in one) for one in form["excluded"]]
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
    tables = parted(read_table(path / OBJECTS), len(rows))
    regions: list[Detections | None] = [None] * len(rows)
    if lists[1] is not None and (path / REGIONS).is_file():
        own = parted(read_table(path / REGIONS), len(rows))
        regions = [
            value_of(table, tuple(lists[1]), _source(path, row), size, pixel, facts)
            for table, row, size, pixel in zip(own, rows, sizes, pixels, strict=True)
        ]
    found = [
        replace(
            value_of(table, tuple(lists[0]), _source(path, row), size, pixel, known),
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
