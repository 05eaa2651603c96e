"""Patches of slides: not blank, not overlapping, drawn at random, and listed in a sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.core import CoverslipError, InputError, Region, beside, provenance, track
from coverslip.io.images.slides import Slide, open_slide
from coverslip.io.labels import image_stem
from coverslip.io.paths import distinct_stems
from coverslip.samples.sheets.masks import SHEET, refuse_other_things, write_masks_sheet
from coverslip.samples.sheets.rows import carried
from coverslip.samples.sheets.sheet import Sheet, read_sheet
from coverslip.samples.slides.tissue import Tissue, find_tissue

_TISSUE = 0.5
"""Share of a patch that is tissue, at least."""


def tissue_grid(slide: Slide, tissue: Tissue, side: int, least: float = _TISSUE) -> list[Region]:
    """All squares of a grid, in reading order, that lie in the slide and show enough tissue.

    Parameters
    ----------
    slide : Slide
    tissue : Tissue
        Of it.
    side : int
        Pixels of the full resolution along each side.
    least : float
        Share of a square that is tissue, at least, 0 to 1.
    """
    found = []
    for y in range(0, slide.height - side + 1, side):
        for x in range(0, slide.width - side + 1, side):
            region = Region(y, x, side, side)
            if tissue.share(region) >= least:
                found.append(region)
    return found


def drawn_patches(
    slide: Slide, tissue: Tissue, count: int, side: int, *, least: float = _TISSUE, seed: int = 0
) -> list[Region]:
    """Some squares of tissue, drawn at random without overlap; fewer where there are no more. In reading order."""
    every = tissue_grid(slide, tissue, side, least)
    chosen = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[i] for i in sorted(chosen.tolist())]


def patch_sheet(
    sheet: Sheet,
    out: str | Path,
    *,
    count: int = 200,
    size: int = 256,
    least: float = _TISSUE,
    seed: int = 0,
    overwrite: bool = False,
) -> Sheet:
    """Draw patches of tissue from slides, as files of their own.

    Parameters
    ----------
    sheet : Sheet
        Slides: a row each.
    out : str or Path
        Folder to write: ``<slide>_y0x512.tif`` for each patch, ``sheet.csv``, and ``provenance.json`` with the
        settings. It appears only once all of it is there.
    count : int
        Patches of each slide, at most.
    size : int
        Pixels of the full resolution along each side.
    least : float
        Share of a patch that is tissue, at least, 0 to 1.
    seed : int
        Decides which; the same for each slide whatever the others are.
    overwrite : bool
        Replace a folder of patches that is there already.

    Returns
    -------
    Sheet
        ``out/sheet.csv``: a row per patch in reading order with every column of its slide, ``group`` (the slide, where
        there is no such column), ``source_image``, ``patch_y_px``, ``patch_x_px`` and ``tissue``, its share. Slides
        that cannot be used are left out, and the notes say why.

    Raises
    ------
    InputError
        If no slide gives a patch.
    """
    from coverslip.io import atomic_folder

    if count < 1 or size < 16 or not 0 <= least <= 1:
        raise InputError("Patches are at least one of 16 pixels, with a share of tissue from 0 to 1.")
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "patches", (SHEET, "*_y*x*.tif"), sheet.sources())
    stems = distinct_stems([image_stem(row, sheet.folder) for row in sheet.rows], sheet.numbers)
    written: list[dict[str, str]] = []
    notes: list[str] = []
    with atomic_folder(out, overwrite=overwrite) as folder:
        for i in track(range(len(sheet)), "Drawing patches"):
            try:
                rows = _written(sheet, i, folder, out, stems[i], count, size, least, seed)
            except CoverslipError as error:
                notes.append(f"{sheet.where(i)} is left out: {error}")
                continue
            if not rows:
                notes.append(f"{sheet.where(i)} is left out: no square of {size} pixels of it is tissue.")
            written += rows
        if not written:
            raise InputError(notes[0] if notes else f"{sheet.path} names no slide.")
        settings = {"count": count, "size": size, "tissue": least, "seed": seed}
        made = provenance(made_by="coverslip samples patches", inputs=sheet.origin, settings=settings)
        write_masks_sheet(folder, written, made)
    return replace(read_sheet(out), notes=tuple(notes))


def _written(
    sheet: Sheet, i: int, folder: Path, out: Path, stem: str, count: int, size: int, least: float, seed: int
) -> list[dict[str, str]]:
    from coverslip.io import write_image_tiff

    path = sheet.file(i, "image")
    assert path is not None
    slide = open_slide(path, series=sheet.rows[i].get("series") or None)
    tissue = find_tissue(slide)
    kept = carried(sheet, i, out)
    rows = []
    for region in drawn_patches(slide, tissue, count, size, least=least, seed=seed):
        name = f"{stem}_y{region.y}x{region.x}.tif"
        write_image_tiff(slide.levels[0].crop(region), folder / name)
        found = {
            "patch_y_px": str(region.y),
            "patch_x_px": str(region.x),
            "tissue": f"{tissue.share(region):.3f}",
        }
        rows.append({**beside({"group": stem, **kept}, found), "image": name})
    return rows
