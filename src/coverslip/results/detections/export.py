"""Detections in the forms of other programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coverslip.core import InputError, Written
from coverslip.io.atomic import atomic_folder, free_place, refuse_existing
from coverslip.io.marks.writing import write_coco, write_qupath
from coverslip.io.tables import read_table, write_table
from coverslip.results.detections.folder import OBJECTS, DetectionFolder, palette
from coverslip.results.detections.options import Export


def export(result: DetectionFolder, out: str | Path | None, images: Any, force: bool, options: Export) -> list[Written]:
    """Write detections in other forms; see `coverslip.verbs.export.export`."""
    wanted = [name for name in ("geojson", "coco", "csv") if getattr(options, name)]
    if not wanted:
        raise InputError("Say in which form to export: geojson (QuPath), coco (one JSON) or csv (spreadsheets).")
    if out is not None and len(wanted) > 1:
        raise InputError(f"{out} can hold one form, but {' and '.join(wanted)} were asked for; export one at a time.")
    first, *others = [{"geojson": _geojson, "coco": _coco, "csv": _csv}[name](result, out, force) for name in wanted]
    return [replace(first, notes=result.notes()), *others]


def _geojson(result: DetectionFolder, out: str | Path | None, force: bool) -> Written:
    if len(result) == 1:
        path = free_place(out or result.rows[0]["annotation"], (".geojson", ".json"), force)
        return Written(write_qupath(result.detections(0), path, palette(result.detections(0))))
    folder = Path(out or f"{result.path.name}-geojson")
    refuse_existing(folder, force)
    with atomic_folder(folder, overwrite=force) as temporary:
        for row in result.rows:
            shutil.copy(result.path / row["annotation"], temporary / row["annotation"])
    return Written(folder)


def _coco(result: DetectionFolder, out: str | Path | None, force: bool) -> Written:
    path = free_place(out or "detections.json", (".json",), force)
    return Written(write_coco(result.found, path, _told_apart([result.image(i) for i in range(len(result))])))


def _told_apart(images: Sequence[Path]) -> list[str]:
    """The names of images; with their folders, from the one that all lie in, where some would be called alike."""
    names = [image.name for image in images]
    if len(set(names)) == len(names):
        return names
    whole = [image.resolve() for image in images]
    return [image.relative_to(os.path.commonpath([one.parent for one in whole])).as_posix() for image in whole]


def _csv(result: DetectionFolder, out: str | Path | None, force: bool) -> Written:
    path = free_place(out or "detections.csv", (".csv",), force)
    table = read_table(result.path / OBJECTS)
    return Written(write_table({name: column for name, column in table.items() if name != "outline"}, path))
