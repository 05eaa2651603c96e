"""Which predicted label image belongs to which true one: by the image they are of, by name, or by order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, about
from coverslip.io.images.opening import is_image_name, open_image
from coverslip.io.labels import read_labels, read_probability
from coverslip.io.listing import bare_name, contents, folded, is_outlines, mask_name, preferred
from coverslip.io.paths import part_of, resolve_path, split_part
from coverslip.results.labels.folder import LabelFolder, read_label_folder
from coverslip.samples.sheets.sheet import SHEET_NAMES, Sheet, read_sheet


@dataclass(frozen=True)
class Labelled:
    """One label image, predicted or true; read when it is asked for.

    Parameters
    ----------
    name : str
        What to call it: the image as the sheet has it, or the file.
    read : callable
        Gives the labels; of outlines whose image is not known, in the shape that it is given.
    file : (str, str) or None
        The file of the image that is labelled, and the part of it that is meant: what is the same here is surely the
        same image.
    names : tuple of (str, str)
        Names without ending by which it is found else, with the part: that of the image, that of the label image.
        Empty for arrays, which have their order only.
    facts : mapping of str to str
        The row of the sheet.
    folder : Path or None
        What paths in the row are relative to.
    """

    name: str
    read: Callable[..., LabelMap | np.ndarray] = field(repr=False)
    file: tuple[str, str] | None = None
    names: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None


def labelled(source: Any, what: str) -> list[Labelled]:
    """The label images of a result or of a truth.

    Parameters
    ----------
    source : LabelMap, ndarray, list of these, LabelFolder, Sheet, str or Path
        As for `coverslip.evaluate`.
    what : str
        ``"result"`` or ``"truth"``, for messages.

    Raises
    ------
    InputError
        If there are no label images.
    """
    if isinstance(source, LabelMap | np.ndarray):
        return [_in_memory(source, what)]
    if isinstance(source, list | tuple):
        if not source or not all(isinstance(labels, LabelMap | np.ndarray) for labels in source):
            raise InputError(f"The {what} should be label maps or arrays of labels, and at least one; give such.")
        return [_in_memory(labels, f"{what} {i}") for i, labels in enumerate(source)]
    if isinstance(source, LabelFolder):
        return [_of_row(source.folder, row, source.where(i), "mask") for i, row in enumerate(source.rows)]
    if isinstance(source, Sheet):
        return _of_sheet(source, what)
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path} does not exist; give a sheet with masks, a folder of label images, or one of them.")
    if is_outlines(path):
        return [_of_row(path.parent, {"mask": path.name}, str(path), "mask")]
    if is_image_name(path):
        return labelled(read_label_folder(path), what)
    if path.is_file() or any((path / name).is_file() for name in SHEET_NAMES):
        return _of_sheet(read_sheet(path), what)
    return _of_folder(path, what)


def own_truth(result: Sequence[Labelled]) -> list[Labelled]:
    """The masks of the sheet that was predicted on, as the result's own sheet names them.

    Raises
    ------
    InputError
        If it names none.
    """
    rows = [image for image in result if image.folder is not None and image.facts.get("source_mask")]
    if not rows:
        raise InputError(
            "The result does not say where the truth is (no column 'source_mask'); give a sheet with the column "
            "'mask', a folder of masks, or one mask."
        )
    return [_of_row(image.folder, image.facts, image.name, "source_mask") for image in rows if image.folder is not None]


def paired(
    result: Sequence[Labelled], truth: Sequence[Labelled], partial: bool = False
) -> list[tuple[Labelled, Labelled]]:
    """Each true label image with the predicted one of the same image.

    Parameters
    ----------
    result, truth : sequence of Labelled
        One of each belong together whatever they are called. Arrays are paired by order.
    partial : bool
        Leave out what is true but was not predicted, as where the result is of a single image.

    Raises
    ------
    InputError
        If a true one has no predicted one, or it is unclear which.
    """
    if not all(image.names for image in [*result, *truth]) or len(result) == len(truth) == 1:
        if len(result) != len(truth):
            raise InputError(f"There are {len(result)} results for {len(truth)} truths; give one truth for each.")
        return list(zip(result, truth, strict=True))
    partner = _partners(result, truth)
    pairs = [(result[partner[i]], image) for i, image in enumerate(truth) if i in partner]
    missing = [image.name for i, image in enumerate(truth) if i not in partner]
    if not pairs:
        raise InputError(
            f"None of the {len(truth)} images of the truth has a result: {missing[0]} is not among {result[0].name} "
            f"and {len(result) - 1} more; they are matched by image file, or by file name without ending."
        )
    if missing and not partial and len(result) > 1:
        raise InputError(
            f"{len(missing)} of the {len(truth)} images of the truth have no result, the first is {missing[0]}; "
            "predict them, name a part with --split, or say --partial to measure the others."
        )
    return pairs


def _partners(result: Sequence[Labelled], truth: Sequence[Labelled]) -> dict[int, int]:
    """The position of the result of each true image that has one: by file, then by name."""
    files = {image.file: i for i, image in enumerate(result) if image.file}
    partner = {i: files[image.file] for i, image in enumerate(truth) if image.file in files}
    free: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i in sorted(set(range(len(result))) - set(partner.values())):
        for name in dict.fromkeys(result[i].names):
            free[name].append(i)
    claimed: dict[int, int] = {}
    for i in sorted(set(range(len(truth))) - set(partner)):
        found = next((free[name] for name in truth[i].names if name in free), [])
        if not found:
            continue
        twin = result[found[1]] if len(found) > 1 else truth[claimed[found[0]]] if found[0] in claimed else None
        if twin is not None:
            raise InputError(
                f"It is unclear which result belongs to which truth: {truth[i].name} is called like {twin.name}; give "
                "the sheet that the result was made from."
            )
        claimed[found[0]] = i
        partner[i] = found[0]
    return partner


def _in_memory(labels: LabelMap | np.ndarray, name: str) -> Labelled:
    # The order of true ones is that of the result.
    if isinstance(labels, LabelMap) and name.startswith("result"):
        source, part = split_part(labels.source)
        return Labelled(labels.source, lambda shape=None: labels, *_found_by(Path(source), part_of(part), None))
    return Labelled(name, lambda shape=None: labels)


def _of_sheet(sheet: Sheet, what: str) -> list[Labelled]:
    if not sheet.has("mask"):
        raise InputError(
            f"{sheet.name} names no label images (no column 'mask'), so it cannot be the {what}; add the column, or "
            "give a folder of label images."
        )
    rows = [i for i, row in enumerate(sheet.rows) if row["mask"]]  # the others have no truth
    return [_of_row(sheet.folder, sheet.rows[i], sheet.where(i), "mask") for i in rows]


def mask_files(folder: Path) -> list[Path]:
    """The label images that lie in a folder; where some are called like masks, the other files are images."""
    found = contents(folder)
    outlines = [file for file in found.others if is_outlines(file)]
    here = [[f for f in files if f.parent == folder] for files in (found.masks, found.images, outlines)]
    return preferred(next(filter(None, here), []))


def _of_folder(folder: Path, what: str) -> list[Labelled]:
    files = mask_files(folder)
    if files:
        rows = [{"image": "", "mask": file.name} for file in files]
        return [_of_row(folder, row, str(folder / row["mask"]), "mask") for row in rows]
    return _of_sheet(read_sheet(folder), what)  # images beside masks


def _of_row(folder: Path, row: Mapping[str, str], where: str, column: str) -> Labelled:
    file = resolve_path(folder, row[column])
    image = resolve_path(folder, row["image"]) if row.get("image") else None

    def read(shape: tuple[int, int] | None = None) -> LabelMap:
        if not file.exists():
            raise InputError(f"{where}: there is no label image {file}; mend the path, or delete the row.")
        with about(where):
            if not is_outlines(file):
                return replace(read_labels(file), probability=read_probability(file))
            if image is not None and image.exists():
                opened = open_image(image, series=row.get("series") or None)
                shape = opened.height, opened.width
            return read_labels(file, shape)

    name = row.get("image") or file.name
    part = part_of(row)
    return Labelled(f"{name} {part}".rstrip(), read, *_found_by(image, part, file), row, folder)


def _found_by(
    image: Path | None, part: str, labels: Path | None
) -> tuple[tuple[str, str] | None, tuple[tuple[str, str], ...]]:
    names = [] if image is None else [(bare_name(image), part)]
    if labels is not None:
        inside = labels.parent.name == "labels" and labels.parent.parent.suffix.lower() == ".zarr"
        labels = labels.parent.parent if inside else labels
        names.append((bare_name(labels), ""))
    # What other programs add to the name of an image counts last.
    names += [] if image is None else [(folded(bare_name(image)), part)]
    names += [] if labels is None else [(folded(mask_name(labels)), "")]
    return (None if image is None else (str(image.resolve()), part)), tuple(names)
