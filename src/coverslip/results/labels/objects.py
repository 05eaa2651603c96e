"""The table of objects of a label result: as it was written, or measured from the labels and their images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap, track
from coverslip.core.words import number_of
from coverslip.results.labels.folder import KEYS, LabelFolder
from coverslip.results.labels.joining import sheet_columns
from coverslip.results.labels.sources import labels_hash, noted_carried

Table = dict[str, np.ndarray]
"""Column name to one value per object."""


def objects_of(
    found: LabelFolder,
    images: str | Path | None = None,
    notes: list[str] | None = None,
    read: Callable[[LabelFolder, int], LabelMap | np.ndarray] = LabelFolder.labels,
) -> Table:
    """One row per object of all images of a label result.

    Parameters
    ----------
    found : LabelFolder
        The result.
    images : str or Path, optional
        The folder that the images have moved to since.
    notes : list of str, optional
        Sentences on what is measured anew, and on what could not be measured, are added here.
    read : callable
        Gives the labels of an image, or layers of them that overlap.

    Returns
    -------
    dict of str to ndarray
        What tells the images apart (`LabelFolder.key`), ``label``, and the measures of
        `coverslip.measure.object_table`. Where the result has no table, and where label images have changed since it
        was written, objects are measured, intensities only where the images are still there.

    Raises
    ------
    InputError
        If a label image is missing, or `images` was given and lacks one.
    """
    written = written_tables(found, read)
    new = [i for i, table in enumerate(written) if table is None]
    complaints = []
    for i in track(new, "Measuring objects"):
        table, complaint = _measured(found, i, images, read)
        written[i] = table
        complaints += [complaint] if complaint else []
    said = [] if notes is None else notes
    if new and found.objects_file is not None:
        said.append(
            f"The labels of {len(new)} of {number_of(len(found), 'image')} are not those that were measured "
            f"({_named(found, new)}), so their objects are measured anew; 'coverslip measure' renews the table."
        )
    if complaints:
        said.append(
            f"Intensities are missing in {len(complaints)} of {number_of(len(found), 'image')}: {complaints[0]}"
        )
    return joined(found, [table for table in written if table is not None])


def _named(found: LabelFolder, rows: Sequence[int]) -> str:
    named = ", ".join(Path(found.rows[i]["mask"]).name for i in rows[:3])
    return f"{named} and {len(rows) - 3} more" if len(rows) > 3 else named


def written_tables(
    found: LabelFolder, read: Callable[[LabelFolder, int], LabelMap | np.ndarray] = LabelFolder.labels
) -> list[Table | None]:
    """The objects of each image as they were written; None where the labels are not those that were measured."""
    file = found.objects_file
    if file is None:
        return [None] * len(found)
    table, own = found.table(file)
    tables: list[Table | None] = []
    for i, source in enumerate(found.sources(file)):
        mine = {name: column[own[i]] for name, column in table.items() if name not in {*KEYS, *noted_carried(file)}}
        found.existing(i)
        row = found.rows[i]
        same = _fits(mine, read(found, i)) if source is None else source.sha256 == labels_hash(found.folder, row)
        tables.append(mine if same else None)
    return tables


def _fits(table: Table, labels: LabelMap | np.ndarray) -> bool:
    """Whether a table that another program wrote has just the objects of a label image, with their areas."""
    pixels = labels.labels if isinstance(labels, LabelMap) else labels
    numbers, areas = np.unique(pixels[pixels > 0], return_counts=True)
    if not {"label", "area_px"} <= set(table):
        return False
    order = np.argsort(table["label"])
    return np.array_equal(table["label"][order], numbers) and np.array_equal(table["area_px"][order], areas)


def _measured(
    found: LabelFolder,
    index: int,
    images: str | Path | None,
    read: Callable[[LabelFolder, int], LabelMap | np.ndarray],
) -> tuple[Table, str]:
    """The objects of an image, and why they have no intensities, if so."""
    labels = read(found, index)
    try:
        return measured(labels, found.image(index, images), input_of(found)), ""
    except InputError as error:
        if images is not None:
            raise
        return measured(labels, None, {}), str(error)


def input_of(found: LabelFolder) -> dict[str, Any]:
    """The ``channels`` and ``planes`` that the images of a result were opened with."""
    model = found.provenance.get("model")
    how = model.get("input") if isinstance(model, dict) else None
    return {name: how[name] for name in ("channels", "planes") if name in how} if isinstance(how, dict) else {}


def measured(
    labels: LabelMap | np.ndarray, image: Image | None, how: Mapping[str, Any], around: Mapping[str, Any] | None = None
) -> Table:
    """The objects of an image as prediction measures them.

    Parameters
    ----------
    labels : LabelMap or ndarray of shape (H, W) or (L, H, W)
        Labels, or layers of them that overlap.
    image : Image, optional
        For intensities; it is read piece by piece.
    how : mapping
        Its ``channels`` and ``planes``, as for `coverslip.samples.open_fields`.
    around : mapping, optional
        ``ring``, ``grow`` and ``unit``, as for `coverslip.measure.ring_table`.

    Raises
    ------
    InputError
        If it is of another size than the labels, or has no such channels.
    """
    from coverslip.measure import object_table, ring_table
    from coverslip.samples.opening.fields import open_fields

    pixels = labels.labels if isinstance(labels, LabelMap) else labels
    options: dict[str, Any] = {"pixel_size": labels.pixel_size if isinstance(labels, LabelMap) else None}
    if image is not None:
        if (image.height, image.width) != pixels.shape[-2:]:
            raise InputError(
                f"{image.source} has {image.height} x {image.width} pixels, but its labels {pixels.shape[-2]} x "
                f"{pixels.shape[-1]}; give the image that was labelled."
            )
        fields = open_fields(image, **how)
        options |= {"pixels": lambda region: fields.pixels(0, region), "channels": fields.channels}
        options["pixel_size"] = options["pixel_size"] or image.pixel_size
    tables = [
        object_table(layer, **options) | ring_table(layer, **options, **(around or {}))
        for layer in pixels.reshape(-1, *pixels.shape[-2:])
    ]
    whole = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    order = np.argsort(whole["label"], kind="stable")
    return {name: column[order] for name, column in whole.items()}


def joined(found: LabelFolder, tables: Sequence[Table]) -> Table:
    """Tables of all images one below the other, what tells images apart in front; what a table lacks is missing."""
    counts = [len(next(iter(table.values()), ())) for table in tables]
    keys = [found.key(i) for i in range(len(found))]
    whole = {
        name: np.concatenate([np.full(n, key[name], object) for key, n in zip(keys, counts, strict=True)])
        for name in keys[0]
    }
    for name in dict.fromkeys(name for table in tables for name in table):
        text = any(table[name].dtype == object for table in tables if name in table)
        parts = (table.get(name, np.full(n, None if text else np.nan)) for table, n in zip(tables, counts, strict=True))
        whole[name] = np.concatenate(list(parts))
    return {**whole, **sheet_columns(found.rows, counts, [*whole])}
