"""Few large fields cut into many small ones, as files, so that one field can train and validate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.progress import track
from coverslip.core.provenance import file_hash, provenance
from coverslip.core.region import Region
from coverslip.io.paths import distinct_stems, relative_path
from coverslip.samples.sheets.rows import at_row, frame_of, open_cell
from coverslip.samples.sheets.sheet import Sheet, write_rows

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
    if overwrite and out.is_dir() and any(out.iterdir()) and not (out / "sheet.csv").is_file():
        raise InputError(f"{out} holds other things than tiles, so it is not replaced; choose another folder.")
    files = [sheet.file(i) for i in range(len(sheet))]
    stems = distinct_stems([file.stem.removesuffix(".ome") if file else "" for file in files], sheet.numbers)
    written: list[dict[str, str]] = []
    with atomic_folder(out, overwrite=overwrite) as folder:
        for i in track(range(len(sheet)), "Cutting"):
            written += _cut(sheet, i, folder, out, stems[i], grid, held, gap)
        columns = tuple(dict.fromkeys(name for row in written for name in row))
        tiles = Sheet(out, columns, [{name: row.get(name, "") for name in columns} for row in written])
        write_rows(tiles, folder / "sheet.csv", out)
        inputs = {"sheet": sheet.name, "sha256": file_hash(sheet.path)} if sheet.path else {"folder": sheet.name}
        settings = {"grid": list(grid), "val": val if held else 0, "gap": gap if held else 0}
        text = json.dumps(provenance(made_by="coverslip samples tile", inputs=inputs, settings=settings), indent=2)
        (folder / "provenance.json").write_text(text, encoding="utf-8")
    return replace(tiles, path=out / "sheet.csv")


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
    labels = _labels(sheet, i, size)
    carried = _carried(sheet, i, out)
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
        rows.append({"image": tile["image"], **carried, **tile, "tile_y_px": str(region.y), "tile_x_px": str(region.x)})
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


def _labels(sheet: Sheet, i: int, size: tuple[int, int]) -> np.ndarray | None:
    from coverslip.io import read_labels

    mask = sheet.file(i, "mask")
    if mask is None:
        return None
    if not mask.exists():
        raise InputError(f"{sheet.where(i)}: there is no mask {mask}; mend the path, or empty the cell.")
    try:
        return read_labels(mask, size).labels
    except InputError as error:
        raise at_row(sheet, i, error) from None


def _carried(sheet: Sheet, i: int, out: Path) -> dict[str, str]:
    """What a tile keeps of its field's row. The tiles' files say themselves which axes they have."""
    known = ("image", "mask", "source", "frame", "axes")
    carried = {key: text for key, text in sheet.rows[i].items() if key not in known}
    for column, name in (("image", "source_image"), ("mask", "source_mask")):
        file = sheet.file(i, column)
        if file is not None:
            carried[name] = relative_path(file, out)
    if sheet.frame(i) is not None:
        carried["source_frame"] = sheet.rows[i]["frame"]
    return carried
