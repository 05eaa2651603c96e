"""Few large fields cut into many small ones, as files, so that one field can train and validate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.core import InputError, Region, beside, provenance, renamed, track
from coverslip.io.labels import image_stem
from coverslip.io.paths import distinct_stems
from coverslip.samples.sheets.masks import SHEET, refuse_other_things, write_masks_sheet
from coverslip.samples.sheets.rows import carried, frame_of, open_cell, read_mask
from coverslip.samples.sheets.sheet import Sheet, read_sheet

_SMALLEST = 16
"""Narrower tiles, in pixels, hold nothing to learn from."""


def tile_sheet(
    sheet: Sheet,
    out: str | Path,
    grid: tuple[int, int],
    *,
    val: float = 0.25,
    gap: int = 32,
    overwrite: bool = False,
) -> Sheet:
    """Cut every field, with its mask and its paired image, into tiles that are files of their own.

    Parameters
    ----------
    sheet : Sheet
        Fields of any size; all channels and planes are kept.
    out : str or Path
        Folder to write: ``<image>_r0c1.tif`` (``.labels.tif``, ``.source.tif``) for each tile, ``sheet.csv``, and
        ``provenance.json`` with the settings. It appears only once all of it is there.
    grid : (int, int)
        Rows and columns of tiles; those of one field differ by a pixel at most (and by the gap).
    val : float
        Where the sheet has no column ``split``: share of the columns of tiles, from the right, that become ``val``
        (of the rows, from below, where there is one column); 0 leaves the column out. What is held out is thus one
        block of each field, which has few neighbours among the training tiles.
    gap : int
        Pixels cut off the training tiles that touch this block: what is held out is not beside what was seen.
    overwrite : bool
        Replace a folder of tiles that is there already.

    Returns
    -------
    Sheet
        ``out/sheet.csv``: a row per tile with every column of its field, ``source_image`` (and ``source_mask``,
        ``source_frame``), and where its first pixel lies in the field: ``tile_y_px``, ``tile_x_px``. Objects that a
        border of tiles cuts are in both as what is left of them.

    Raises
    ------
    InputError
        Naming the row that cannot be read or is too small, or if the share leaves nothing to train on.
    """
    from coverslip.io import atomic_folder

    down, across = grid
    if down < 1 or across < 1 or down * across < 2:
        raise InputError(f"A grid of {down} x {across} cuts nothing; say --grid 4x4 for 16 tiles of each field.")
    if gap < 0:
        raise InputError(f"A gap of {gap} pixels cannot be cut off; give 0 or more.")
    held = 0 if sheet.has("split") else _held_lines(val, down if across == 1 else across)
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "tiles", (SHEET, "*_r0c0.tif"), sheet.sources())
    stems = distinct_stems([image_stem(row, sheet.folder) for row in sheet.rows], sheet.numbers)
    written: list[dict[str, str]] = []
    with atomic_folder(out, overwrite=overwrite) as folder:
        for i in track(range(len(sheet)), "Cutting"):
            written += _cut(sheet, i, folder, out, stems[i], grid, held, gap)
        settings = {"grid": list(grid), "val": val if held else 0, "gap": gap if held else 0}
        made = provenance(made_by="coverslip samples tile", inputs=sheet.origin, settings=settings)
        write_masks_sheet(folder, written, made)
    return replace(read_sheet(out), notes=renamed(sheet.columns, written[0]))


def _held_lines(val: float, lines: int) -> int:
    """How many lines of tiles are held out."""
    if not 0 <= val < 1:
        raise InputError(f"The share held out lies from 0 to below 1, not at {val}; say --val 0.25.")
    if val == 0:
        return 0
    held = max(1, round(val * lines))
    if held >= lines:
        raise InputError(f"Holding out {val:g} of {lines} columns of tiles leaves none to train on; cut more tiles.")
    return held


def _cut(
    sheet: Sheet, i: int, folder: Path, out: Path, stem: str, grid: tuple[int, int], held: int, gap: int
) -> list[dict[str, str]]:
    """Write the tiles of one field; their rows as they will stand in `out`."""
    from coverslip.io import write_image_tiff, write_labels

    images = {"image": frame_of(sheet, i, open_cell(sheet, i))}
    if sheet.rows[i].get("source"):
        images["source"] = frame_of(sheet, i, open_cell(sheet, i, "source"))
    field = images["image"]
    size = field.height, field.width
    if any((image.height, image.width) != size for image in images.values()):
        raise InputError(
            f"{sheet.where(i)}: the paired image has another size than the image; pair images of one size."
        )
    labels = read_mask(sheet, i, size) if sheet.file(i, "mask") else None
    kept = carried(sheet, i, out)
    rows = []
    for row, column, region, part in _regions(size, grid, held, gap):
        if min(region.height, region.width) < _SMALLEST:
            raise InputError(
                f"{sheet.where(i)}: a field of {size[0]} x {size[1]} pixels makes tiles of {region.height} x "
                f"{region.width}; cut fewer, or leave a smaller gap."
            )
        tile = {"image": f"{stem}_r{row}c{column}.tif"}
        for name, image in images.items():
            tile[name] = tile["image"] if name == "image" else f"{stem}_r{row}c{column}.{name}.tif"
            write_image_tiff(image.crop(region), folder / tile[name])
        if labels is not None:
            tile["mask"] = f"{stem}_r{row}c{column}.labels.tif"
            window = labels[region.slices]
            write_labels(window, folder / tile["mask"], field.pixel_size)
        if part:
            tile["split"] = part
        place = {"tile_y_px": str(region.y), "tile_x_px": str(region.x)}
        rows.append({"image": tile["image"], **beside(kept, place), **tile})
    return rows


def _regions(size: tuple[int, int], grid: tuple[int, int], held: int, gap: int) -> list[tuple[int, int, Region, str]]:
    """Row, column, place and split of each tile."""
    tall = grid[1] == 1  # one column of tiles: what is held out lies below, not to the right
    edges = [np.linspace(0, length, count + 1).round().astype(int) for length, count in zip(size, grid, strict=True)]
    lines = grid[0] if tall else grid[1]
    found = []
    for row in range(grid[0]):
        for column in range(grid[1]):
            (top, bottom), (left, right) = edges[0][row : row + 2], edges[1][column : column + 2]
            line = row if tall else column
            if held and line == lines - held - 1:
                bottom, right = (bottom - gap, right) if tall else (bottom, right - gap)
            part = ("val" if line >= lines - held else "train") if held else ""
            height, width = max(1, int(bottom - top)), max(1, int(right - left))
            found.append((row, column, Region(int(top), int(left), height, width), part))
    return found
