"""Phantom sections as files: images, annotations of cells and of regions, and sheets to fit to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.core import Detections, InputError, provenance, track
from coverslip.io.atomic import atomic_folder
from coverslip.io.cells import write_cells
from coverslip.io.marks.writing import write_qupath
from coverslip.io.tables import write_table
from coverslip.io.writing.tiff import write_image_tiff
from coverslip.samples.sections.drawing import SectionSettings, draw_section
from coverslip.samples.sections.testis import CELLS, MARKERS
from coverslip.samples.sheets.masks import refuse_other_things

CELL_SHEET, REGION_SHEET, TRUTH = "cells.csv", "regions.csv", "truth.parquet"


def phantom_sections(out: str | Path, settings: SectionSettings | None = None, *, overwrite: bool = False) -> Path:
    """Draw sections of mouse testis whose cells, stages and markers are known.

    Parameters
    ----------
    out : str or Path
        Folder to write: ``section_1.tif`` (DNA stain and markers, 16-bit), ``section_1.cells.geojson`` and
        ``section_1.regions.geojson``; the sheets ``cells.csv`` and ``regions.csv`` with ``image``, ``annotation``,
        ``laboratory`` and ``group`` (the section), and the latter with ``cells``; ``truth.parquet``, a row for each
        cell with its type, region, stage and markers; and ``provenance.json`` with the settings.
    settings : SectionSettings, optional
        What is drawn.
    overwrite : bool
        Replace phantom sections that are there already.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If a marker or a type of cells is unknown.
    """
    settings = settings or SectionSettings()
    unknown = [name for name in settings.markers if name not in MARKERS]
    if unknown:
        raise InputError(f"There is no marker '{unknown[0]}' in phantoms; choose of {', '.join(MARKERS)}.")
    if settings.absent and settings.absent not in CELLS:
        raise InputError(f"There are no cells '{settings.absent}' in phantoms; choose of {', '.join(CELLS)}.")
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "phantom sections", (TRUTH,))
    tables: list[dict[str, np.ndarray]] = []
    rows: list[dict[str, str]] = []
    with atomic_folder(out, overwrite=overwrite) as folder:
        for number in track(range(settings.sections), "Drawing sections"):
            section, stem = draw_section(settings, number), f"section_{number + 1}"
            image = folder / f"{stem}.tif"
            write_image_tiff(
                section.pixels, image, "CYX", pixel_size=section.cells.pixel_size, channels=("DAPI", *settings.markers)
            )
            cells = replace(section.cells, source=image.name)
            assert cells.regions is not None
            write_qupath(replace(cells, regions=None, columns={}), folder / f"{stem}.cells.geojson", {})
            write_qupath(replace(cells.regions, source=image.name), folder / f"{stem}.regions.geojson", {})
            rows.append({"image": image.name, "laboratory": str(number % settings.laboratories + 1), "group": stem})
            tables.append(_truth(cells, stem))
        for name, kind in ((CELL_SHEET, "cells"), (REGION_SHEET, "regions")):
            own = [{**row, "annotation": f"{row['group']}.{kind}.geojson"} for row in rows]
            columns: tuple[str, ...] = ("image", "annotation", "laboratory", "group")
            if kind == "regions":  # staged by the cells in them, if that is asked for
                own = [{**row, "cells": f"{row['group']}.cells.geojson"} for row in own]
                columns = (*columns, "cells")
            write_cells(folder / name, columns, own)
        write_table({name: np.concatenate([table[name] for table in tables]) for name in tables[0]}, folder / TRUTH)
        made = provenance(made_by="coverslip samples phantom-sections", settings=settings.model_dump(mode="json"))
        (folder / "provenance.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return out


def _truth(cells: Detections, stem: str) -> dict[str, np.ndarray]:
    assert cells.regions is not None
    region = np.asarray(cells.columns["region"], int)
    return {
        "section": np.full(len(cells), stem, object),
        "class": cells.names,
        "x_px": cells.centres[:, 0],
        "y_px": cells.centres[:, 1],
        "region": region,
        "stage": np.asarray(cells.regions.names[region - 1], object),
        **{name: np.asarray(column) for name, column in cells.columns.items() if name != "region"},
    }
