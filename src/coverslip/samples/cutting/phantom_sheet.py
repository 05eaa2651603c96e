"""Phantoms of a whole sheet, as files: images whose overlaps and whole masks are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coverslip.core import InputError, LabelMap, PixelSize, provenance, track
from coverslip.io.labels import compact
from coverslip.io.paths import relative_path
from coverslip.samples.cutting.phantoms import Material, Phantom, checked_levels
from coverslip.samples.opening.fields import open_fields
from coverslip.samples.sheets.masks import refuse_other_things, write_masks_sheet
from coverslip.samples.sheets.sheet import Sheet, read_sheet
from coverslip.samples.sheets.splits import split_word

OBJECTS = "objects.csv"
"""The table of all objects: which overlap, by how much, and where each is from."""


def phantom_sheet(
    sheet: Sheet,
    out: str | Path,
    *,
    count: int | None = None,
    overlap: Sequence[float] = (0, 0.2, 0.4, 0.6),
    pairs: int = 20,
    singles: int = 0,
    size: tuple[int, int] | None = None,
    channel: str | int = 0,
    min_area: float = 100,
    split: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Sheet:
    """Make phantoms of the objects of a sheet, and write them as a folder of labels with layers.

    Parameters
    ----------
    sheet : Sheet
        Fluorescence, with a column ``mask``.
    out : str or Path
        Folder to write: for each phantom the image, ``<image>.labels.tif`` (flat labels) and ``<image>.layers.tif`` (a
        stack of label images in which no whole mask is lost); ``sheet.csv``, ``objects.csv``, and ``provenance.json``
        with the settings. It appears only once all of it is there.
    count : int, optional
        How many phantoms; default: one for each field, and for each overlap at least.
    overlap : sequence of float
        Phantoms have these in turn: all pairs of one share the same part of the smaller object's area.
    pairs, singles, size, min_area, seed
        As for `overlap_phantoms`.
    channel : str or int
        Which channel, by name or by number from 0.
    split : str, optional
        Take fields of this part of the sheet only.
    overwrite : bool
        Replace a folder of labels that is there already.

    Returns
    -------
    Sheet
        ``out/sheet.csv``: a row per phantom with ``image``, ``mask``, ``layers``, ``overlap`` (as asked for),
        ``objects`` (their number), and ``source_image``, the field that the background is from. ``objects.csv`` has a
        row per object: ``label`` (its number), ``pair``, ``area_px``, ``overlap`` and ``covered`` (what came out, as in
        `Phantom`), ``source_image`` and ``source_label`` (what it was cut out of).

    Raises
    ------
    InputError
        If the sheet has no such fields, an option is impossible, or there is no room for so many objects.
    """
    from coverslip.io import atomic_folder, write_table

    levels = checked_levels(overlap)
    if min(pairs, singles) < 0 or (count is not None and count < 1):
        raise InputError("Numbers of pairs and of single objects are 0 or more, that of phantoms is 1 or more.")
    if not sheet.has("mask"):
        raise InputError(f"{sheet.name} names no masks; fill a column 'mask' with the label image of each field.")
    sheet = sheet if split is None else _part(sheet, split)
    out = Path(out)
    if overwrite:
        refuse_other_things(out, own=sheet.sources())
    fields = open_fields(sheet, channels=[channel])
    count = max(len(fields), len(levels)) if count is None else count
    rows, tables = [], []
    with atomic_folder(out, overwrite=overwrite) as folder:
        material = Material(fields, range(len(fields)), min_area=min_area, seed=seed)
        for i in track(range(count), "Making phantoms"):
            shares = np.full(pairs, levels[i % len(levels)])
            phantom = material.phantom(i, shares, singles, size, np.random.default_rng((seed, len(fields), i)))
            image = f"phantom_{i + 1:0{len(str(count))}d}.tif"
            facts = {
                "overlap": f"{levels[i % len(levels)]:g}",
                "objects": str(len(phantom)),
                "source_image": _seen(sheet, phantom.field, out),
            }
            files = _write(phantom, folder, out / image, fields.image(phantom.field).pixel_size, fields.channels)
            rows.append({**files, **facts})
            tables.append(_objects(phantom, image, [_seen(sheet, field, out) for field in range(len(sheet))]))
        write_table({name: np.concatenate([table[name] for table in tables]) for name in tables[0]}, folder / OBJECTS)
        settings = {"overlap": levels.tolist(), "pairs": pairs, "singles": singles, "size": size, "channel": channel}
        settings |= {"min_area": min_area, "split": split, "seed": seed}
        # The kind is said, for by its layers alone the folder would be taken for a decomposition.
        made = provenance(kind="labels", made_by="coverslip samples phantom", inputs=sheet.origin, settings=settings)
        write_masks_sheet(folder, rows, made)
    return read_sheet(out)


def _part(sheet: Sheet, split: str) -> Sheet:
    """The rows of one part."""
    word = split_word(split)
    words = [split_word(text) for text in sheet.column("split")] if sheet.has("split") else []
    chosen = [i for i, other in enumerate(words) if other == word]
    if not chosen:
        raise InputError(f"{sheet.name} has no row with the split '{word}'; name another part, or leave the split out.")
    return sheet.subset(chosen)


def _seen(sheet: Sheet, index: int, out: Path) -> str:
    """The image of a row, as seen from the new folder."""
    file = sheet.file(index)
    return relative_path(file, out) if file else ""


def _write(
    phantom: Phantom, folder: Path, image: Path, pixel_size: PixelSize | None, channels: tuple[str, ...]
) -> dict[str, str]:
    """Write the files of one phantom, whose image will be at `image`; their names by column."""
    from coverslip.io import labels_path, write_image_tiff, write_labels

    mask = labels_path(image).name
    files = {"image": image.name, "mask": mask, "layers": mask.replace(".labels.", ".layers.")}
    write_image_tiff(phantom.image, folder / files["image"], pixel_size=pixel_size, channels=channels)
    write_labels(LabelMap(phantom.labels, str(image), pixel_size), folder / files["mask"])
    layers = compact(phantom.layers(), files["layers"])
    write_image_tiff(layers, folder / files["layers"], axes="ZYX", pixel_size=pixel_size, channels=("layers",))
    return files


def _objects(phantom: Phantom, image: str, sources: Sequence[str]) -> dict[str, np.ndarray]:
    """The table of objects of one phantom, as it is written."""
    table = phantom.objects
    found = {"image": np.full(len(phantom), image, object), "label": table["object"]}
    found |= {name: table[name] for name in ("pair", "area_px", "overlap", "covered")}
    source = np.array([sources[field] for field in table["field"].tolist()], object)
    return found | {"source_image": source, "source_label": table["label"]}
