"""Write decompositions: a folder of labels with further files of each image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import COLUMNS, ROUND_COLUMNS, Decomposition, Image, InputError, LabelMap, Region, Window
from coverslip.io.atomic import atomic_folder
from coverslip.io.labels import write_labels
from coverslip.io.paths import relative_path, resolve_path
from coverslip.io.writing.tiff import write_image_tiff
from coverslip.results.decomposition.folder import FILES, ROUNDS
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.writer import finish_label_folder, write_objects
from coverslip.samples.sheets.masks import plan_rows, refuse_other_things

Table = dict[str, np.ndarray]

_MEASURED = ("y_px", "x_px", "gain", "confidence", "loss", "explained")
"""Columns that are no whole numbers."""


def write_decomposition_folder(
    results: Iterable[tuple[Decomposition, np.ndarray]],
    out: str | Path,
    rows: Sequence[Mapping[str, str]],
    base: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> LabelFolder:
    """Write decompositions as a folder, one at a time as they come.

    Parameters
    ----------
    results : iterable of (Decomposition, ndarray of shape (H, W))
        For each row its decomposition, and the image that was decomposed.
    out : str or Path
        The folder: a folder of labels (`write_label_folder`) with the files of `write_decomposition` and
        ``rounds.parquet``. It appears once all of it is there.
    rows : sequence of mapping
        The sheet that was predicted on. All its columns are kept; its masks, the truth, as ``source_mask``.
    base : str or Path
        The folder that paths in the rows are relative to.
    provenance : mapping, optional
        Inputs with hashes, models, seed, versions.
    overwrite : bool
        Replace a folder of labels that is there already.

    Returns
    -------
    LabelFolder

    Raises
    ------
    InputError
        If the folder holds something (else than labels), or cannot be written.
    """
    out = Path(out)
    if overwrite:
        refuse_other_things(out)
    written = plan_decomposition_rows(rows, base, out)
    with atomic_folder(out, overwrite=overwrite) as folder:
        tables = [
            write_decomposition(decomposition, image, folder, row["mask"].removesuffix(".labels.tif"))
            for row, (decomposition, image) in zip(written, results, strict=True)
        ]
        finish_decomposition_folder(folder, written, tables, provenance)
    return LabelFolder(out, out, written, dict(provenance or {}))


def plan_decomposition_rows(
    rows: Sequence[Mapping[str, str]], base: str | Path, out: str | Path, numbers: Sequence[int] = ()
) -> list[dict[str, str]]:
    """The rows of the sheet in a folder of decompositions; see `coverslip.samples.sheets.masks.plan_rows`."""
    planned = []
    for row in plan_rows(rows, base, out, numbers):
        stem = row["mask"].removesuffix(".labels.tif")
        files = {column: f"{stem}.{column}.tif" for column in FILES}
        # As with its masks: what a sheet has in a column that is ours is kept, and called the source's.
        others = {name: text for name, text in row.items() if name not in files}
        others |= {f"source_{name}": _seen(row[name], Path(base), Path(out)) for name in files if name in row}
        planned.append({"image": others.pop("image"), "mask": others.pop("mask"), **files, **others})
    return planned


def _seen(text: str, base: Path, out: Path) -> str:
    """What stands in a row of the sheet; where it names a file, as seen from the new folder."""
    file = resolve_path(base, text)
    return relative_path(file, out) if text and file.is_file() else text


def write_decomposition(
    decomposition: Decomposition,
    image: np.ndarray | Callable[[Region], np.ndarray],
    folder: Path,
    stem: str,
    measured: Table | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> tuple[Table, Table]:
    """Write the files of one image, large ones piece by piece.

    Parameters
    ----------
    decomposition : Decomposition
        What came of it.
    image : ndarray, shape (H, W), or callable
        What was decomposed; or what reads a region of it.
    folder : Path
        Where to: ``<stem>.labels.tif`` (the flat labels), ``<stem>.layers.tif`` (a stack of label images that loses no
        overlap), and as 32-bit grey values ``<stem>.generated.tif`` (what the objects of each layer add),
        ``<stem>.background.tif``, ``<stem>.internal.tif`` (the image as it is explained) and ``<stem>.error.tif``
        (what is left of the image).
    stem : str
        What the files are called.
    measured : dict of str to ndarray, optional
        Further columns of the objects, in any order of its column ``label``.
    provenance : mapping, optional
        Goes into the flat labels; default: that of the decomposition.

    Returns
    -------
    objects, rounds : dict of str to ndarray
        What `finish_decomposition_folder` takes. ``label`` is the number of the object.

    Raises
    ------
    InputError
        If the image is of another size, or an object has no pixel.
    """
    size = decomposition.labels.shape
    if isinstance(image, np.ndarray) and image.shape != size:
        raise InputError(f"{decomposition.source}: the image is {image.shape}, its labels are {size}; give one size.")
    facts = _object_columns(decomposition)
    objects = {**_in_order(measured or {}, facts["label"]), **facts, "layer": decomposition.layer_of}
    flat = LabelMap(decomposition.labels, decomposition.source, decomposition.pixel_size, decomposition.provenance)
    write_labels(flat, folder / f"{stem}.labels.tif", provenance=provenance)
    for column, picture in _pictures(decomposition, image).items():
        write_image_tiff(picture, folder / f"{stem}.{column}.tif", channels=(column,))
    return objects, {name: _typed(name, column) for name, column in decomposition.rounds.items()}


def _pictures(decomposition: Decomposition, image: np.ndarray | Callable[[Region], np.ndarray]) -> dict[str, Image]:
    """The pictures of an image, each drawn where it is looked at."""
    size, numbers = decomposition.labels.shape, decomposition.objects["object"]

    def error(region: Region) -> np.ndarray:
        seen = image[region.slices] if isinstance(image, np.ndarray) else image(region)
        return np.asarray(seen.astype(np.float32) - decomposition.explained(region))

    def flat(draw: Callable[[Region], np.ndarray]) -> Image:
        return drawn("YX", size, np.float32, lambda window: draw(_region(window)))

    def stack(which: int, dtype: Any) -> Image:
        def draw(window: Window) -> np.ndarray:
            layers = range(window[0].start, window[0].stop)
            return np.stack([decomposition.layer(number, _region(window[1:]))[which] for number in layers])

        return drawn("ZYX", (decomposition.depth, *size), dtype, draw)

    def drawn(axes: str, shape: tuple[int, ...], dtype: Any, draw: Callable[[Window], np.ndarray]) -> Image:
        pixel_size = decomposition.pixel_size
        return Image(axes, shape, np.dtype(dtype), decomposition.source, lambda w: draw(w).astype(dtype), pixel_size)

    return {
        "layers": stack(0, np.min_scalar_type(int(numbers.max(initial=0)))),
        "generated": stack(1, np.float32),
        "background": flat(lambda region: decomposition.background[region.slices]),
        "internal": flat(decomposition.explained),
        "error": flat(error),
    }


def _region(window: Window) -> Region:
    y, x = window
    return Region(y.start, x.start, y.stop - y.start, x.stop - x.start)


def _in_order(table: Table, labels: np.ndarray) -> Table:
    """The rows of a table of objects in the order of these labels."""
    if not table:
        return {}
    order = np.argsort(table["label"])
    order = order[np.searchsorted(table["label"][order], labels)]
    return {name: column[order] for name, column in table.items()}


def _object_columns(decomposition: Decomposition) -> Table:
    """What a decomposition says of its objects, as it is written."""
    facts = {name: _typed(name, column) for name, column in decomposition.objects.items()}
    facts = {"label": facts.pop("object"), **facts}
    # Where the mask is, whatever border its crop has.
    for row, (mask, number) in enumerate(zip(decomposition.masks, facts["label"].tolist(), strict=True)):
        if not mask.any():
            raise InputError(f"{decomposition.source}: object {number} has no pixel; leave it out.")
        facts["top_px"][row] += mask.any(axis=1).argmax()
        facts["left_px"][row] += mask.any(axis=0).argmax()
    return facts


def _typed(name: str, column: np.ndarray) -> np.ndarray:
    """A copy of a column, of the type that it has for every image, also without a row."""
    if name not in (*COLUMNS, *ROUND_COLUMNS):
        return np.array(column)
    return np.array(column, dtype=np.float64 if name in _MEASURED else np.int64)


def finish_decomposition_folder(
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    tables: Sequence[tuple[Table, Table]],
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write what makes a folder of these files a result: sheet, table of objects, table of rounds and provenance.

    Parameters
    ----------
    folder : Path
        Holds the files of all images.
    rows : sequence of mapping
        From `plan_decomposition_rows`.
    tables : sequence of (dict, dict)
        From `write_decomposition`: the objects and the rounds of each row.
    provenance : mapping, optional
        Inputs with hashes, models, seed, versions.
    """
    sources = finish_label_folder(folder, rows, [objects for objects, _ in tables], provenance)
    write_objects([(rounds, source) for (_, rounds), source in zip(tables, sources, strict=True)], folder / ROUNDS)
