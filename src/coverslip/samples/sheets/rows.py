"""What a row of a sheet means on disk, with messages that name the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from coverslip.core import Image, InputError, Region
from coverslip.core.cores import cores
from coverslip.core.words import number_of
from coverslip.io.paths import PARTS, PATH_COLUMNS, relative_path
from coverslip.samples.sheets.sheet import Sheet

FILES = ("image", "mask", "layers")
"""Columns of a field's own files."""

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """How many files to read at once: reading waits for the disk, so a few more than cores."""
    return min(16, 2 * cores())


def in_threads(work: Callable[[T], R], items: Iterable[T], most: int | None = None) -> Iterator[R]:
    """`work` of each item, in order, some at a time (at most `most`); the first error stops the rest."""
    pool = ThreadPoolExecutor(min(workers(), most or workers()))
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def open_cell(sheet: Sheet, index: int, column: str = "image") -> Image:
    """The image that a row names in `column`, all of it; nothing is read yet.

    Where the sheet has a column ``axes``, it says which axis of the row's image (and paired image) is which; a column
    ``pixel_size`` says how large its pixels are (µm, or height x width).

    Raises
    ------
    InputError
        Naming the row, if the file is missing or cannot be opened.
    """
    from coverslip.io import open_image

    file = sheet.file(index, column)
    if file is None:
        raise InputError(f"{sheet.where(index)}: the column '{column}' is empty; name a file, or delete the row.")
    if not file.exists():
        raise InputError(f"{sheet.where(index)}: there is no file {file}; mend the path, or delete the row.")
    axes, size = (None if column == "mask" else sheet.rows[index].get(name) or None for name in ("axes", "pixel_size"))
    try:
        return open_image(file, axes=axes, pixel_size=size, series=_series_of(sheet, index, column, file))
    except InputError as error:
        raise at_row(sheet, index, error) from None


def _series_of(sheet: Sheet, index: int, column: str, file: Path) -> str | None:
    """Which series of a file a row means: of its image; of the paired image the same, where it holds several too."""
    from coverslip.io import inventory

    series = sheet.series(index)
    if series is None or column == "image":
        return series
    return series if column == "source" and len(inventory(file).series) > 1 else None


def frame_of(sheet: Sheet, index: int, image: Image) -> Image:
    """The frame of `image` that a row means, and the window of it; `image` itself where it names none.

    Raises
    ------
    InputError
        Naming the row, if there is no such frame, or the window lies outside.
    """
    image = _frame_of(sheet, index, image)
    text = sheet.rows[index].get("window_px")
    if not text:
        return image
    try:
        window = Region.parse(text)
    except InputError as error:
        raise at_row(sheet, index, error) from None
    if window.stop_y > image.height or window.stop_x > image.width:
        raise InputError(
            f"{sheet.where(index)}: the window {text} reaches beyond the {image.height} x {image.width} pixels of "
            f"{image.source}; mend the column 'window_px'."
        )
    return image.crop(window)


def _frame_of(sheet: Sheet, index: int, image: Image) -> Image:
    frame = sheet.frame(index)
    if frame is None:
        return image
    frames = image.sizes.get("T", 1)
    if frame >= frames:
        raise InputError(
            f"{sheet.where(index)}: frame {frame} was asked for, but {image.source} has {frames} (the first is 0); "
            "mend the column 'frame'."
        )
    return image.select(T=frame) if "T" in image.axes else image


def unsaid(sheet: Sheet, index: int, image: Image) -> str:
    """A sentence where a row does not say which image of its file it means; else nothing."""
    held = image.metadata.get("images", 1)
    if held < 2 or sheet.series(index) is not None:
        return ""
    return (
        f"{whose(sheet, index, image)} holds {held} images, and the first is taken; say which is meant in a column "
        f"'series' (0 to {held - 1}), a row for each."
    )


def with_unsaid(sheet: Sheet, images: Sequence[Image]) -> Sheet:
    """The sheet with a note on the rows that do not say which image of a file they mean."""
    said = [text for i, image in enumerate(images) if (text := unsaid(sheet, i, image))]
    more = [f"The same goes for {number_of(len(said) - 1, 'more row')}."] if len(said) > 1 else []
    return replace(sheet, notes=(*sheet.notes, *said[:1], *more)) if said else sheet


def read_mask(sheet: Sheet, index: int, shape: tuple[int, int]) -> np.ndarray:
    """The mask of a row: integers of the size of its image, ``(H, W)``; 0 is background.

    Raises
    ------
    InputError
        Naming the row, if there is no mask, or it is no label image of this size.
    """
    from coverslip.io import read_labels

    file = sheet.file(index, "mask")
    if file is None or not file.exists():
        what = f"there is no mask {file}" if file else "the column 'mask' is empty"
        raise InputError(f"{sheet.where(index)}: {what}; name a label image, or delete the row.")
    image = sheet.file(index)
    if image is not None and image.resolve() == file.resolve():
        raise InputError(f"{sheet.where(index)}: the mask {file} is the image itself; name the one or the other anew.")
    try:
        return read_labels(file, shape).labels
    except InputError as error:
        raise at_row(sheet, index, error) from None


def carried(sheet: Sheet, index: int, out: Path) -> dict[str, str]:
    """What a piece of a field keeps of its row, in a sheet in the folder `out`: all but what the piece has itself.

    The field's own files, series and frame become ``source_image``, ``source_mask``, ``source_layers``,
    ``source_series`` and ``source_frame``. Files of pieces say themselves which axes they have, and how large their
    pixels are.
    """
    kept = facts_of(sheet, index, out)
    for column in FILES:
        file = sheet.file(index, column)
        if file is not None:
            kept[f"source_{column}"] = relative_path(file, out)
    return kept | {f"source_{name}": sheet.rows[index][name] for name in PARTS if sheet.rows[index].get(name)}


def facts_of(sheet: Sheet, index: int, out: Path) -> dict[str, str]:
    """All that a row says but for its own files and what these are; paths as seen from the folder `out`."""
    own = (*FILES, "source", *PARTS, "axes", "pixel_size")
    return {
        key: relative_path(file, out) if key in PATH_COLUMNS and (file := sheet.file(index, key)) else text
        for key, text in sheet.rows[index].items()
        if key not in own
    }


def at_row(sheet: Sheet, index: int, error: InputError) -> InputError:
    """`error` with the row in front, where the sheet has rows that a reader can look up."""
    return InputError(f"{sheet.where(index)}: {error}") if sheet.path is not None else error


def whose(sheet: Sheet, index: int, image: Image) -> str:
    """How to begin a sentence on the image of a row."""
    return f"{sheet.where(index)}: {image.source}" if sheet.path is not None else image.source


def check_finite(pixels: np.ndarray, source: str) -> None:
    """Refuse NaN and infinite pixels: every later number would be NaN too.

    Raises
    ------
    InputError
        Naming `source`, and how many of them there are.
    """
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        bad = int((~np.isfinite(pixels)).sum())
        found = number_of(bad, "pixel is", "pixels are")
        raise InputError(f"{source}: {found} NaN or infinite; mend or mask them, or leave the image out.")
