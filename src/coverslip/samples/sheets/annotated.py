"""A sheet of images whose objects are marked in files beside them, or in one file about all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.io.images.opening import is_image_name
from coverslip.io.marks.reading import ENDINGS, is_coco, json_of
from coverslip.io.meant import folders_alike, named_path
from coverslip.io.paths import relative_path
from coverslip.samples.sheets.sheet import Sheet

COLUMNS = ("annotation", "points")
"""Columns of a sheet that name the file in which the objects of an image are marked."""

_FOLDERS = ("annotations", "Annotations", "points", "labels")
_PARTS = ("train", "val", "test")


def annotation_of(sheet: Sheet, index: int) -> Path | None:
    """The file that marks the objects of an image: the one that the sheet names, else one beside the image."""
    for column in COLUMNS:
        if (file := sheet.file(index, column)) is not None:
            return file
    image = sheet.file(index)
    return None if image is None or any(sheet.has(column) for column in COLUMNS) else beside(image)


def has_twins(rows: Sequence[Mapping[str, str]], index: int, columns: Sequence[str] = COLUMNS) -> bool:
    """Whether the file that marks an image, named in one of the columns, is about another one of its name, too."""
    own = rows[index]
    file, name = next((own[c] for c in columns if own.get(c)), ""), named_path(own["image"]).name
    if not file.lower().endswith((".csv", ".parquet", ".json")):  # which are about several images
        return False
    same = (row for row in rows if any(row.get(c) == file for c in columns))
    return any(row["image"] != own["image"] and row["image"].endswith(name) for row in same)


def beside(image: Path) -> Path | None:
    """A file of marks with the name of an image, beside it or in a folder of annotations."""
    places = [image.parent, *(folder / name for folder in (image.parent, image.parent.parent) for name in _FOLDERS)]
    found = (place / (image.stem + ending) for place in places for ending in ENDINGS)
    return next((file for file in found if file.is_file()), None)


def annotated_sheet(source: str | Path) -> Sheet:
    """The sheet of annotated images.

    Parameters
    ----------
    source : str or Path
        A folder of images, and below it, with a file of marks for each (see `beside`); lists ``train.txt``, ``val.txt``
        and ``test.txt`` of image names, as Pascal VOC has them, give the column ``split``. Or a COCO JSON, whose images
        lie beside it or in a folder ``images`` there.

    Returns
    -------
    Sheet
        ``image``, ``annotation`` and perhaps ``split``; its notes say how many images are not annotated.

    Raises
    ------
    InputError
        If a file marks, or a list names, an image that is not there.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source} does not exist; give a folder of images with annotations, or a COCO JSON.")
    return _of_folder(source) if source.is_dir() else _of_coco(source)


def _of_folder(folder: Path) -> Sheet:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    images = [path for path in files if is_image_name(path)]
    marks = {image: found for image in images if (found := beside(image)) is not None}
    stems = {image.stem for image in images}
    alone = [path for path in files if path.suffix.lower() == ".xml" and path.stem not in stems]
    if alone:
        raise InputError(
            f"{alone[0]} marks the objects of an image that is not there ({alone[0].stem}); add it, or delete the file."
        )
    if not marks:
        raise InputError(f"{folder} holds no image with a file of marks beside it ({', '.join(ENDINGS)}).")
    owner: dict[Path, Path] = {}
    for image, file in marks.items():
        if owner.setdefault(file, image) != image:
            raise InputError(
                f"{file} may mark the objects of {owner[file]} or of {image}; put one beside each of them."
            )
    splits = _splits(folder, images)
    rows = []
    for image, file in marks.items():
        row = {"image": relative_path(image, folder), "annotation": relative_path(file, folder)}
        rows.append({**row, "split": splits.get(image, "")} if splits else row)
    left = len(images) - len(marks)
    notes = (
        (f"{number_of(left, 'image without a file of marks is', 'images without a file of marks are')} left out.",)
        if left
        else ()
    )
    return Sheet(folder, tuple(rows[0]), rows, notes=notes)


def _splits(folder: Path, images: Sequence[Path]) -> dict[Path, str]:
    """The part that lists name each image in; one that is in two of them would be learned from and measured on."""
    called = defaultdict(list)
    for image in images:
        for name in {image.name, image.stem}:
            called[name].append(image)
    found: dict[Path, str] = {}
    for part in _PARTS:
        for listed in sorted(folder.rglob(f"{part}.txt")):
            for line in listed.read_text(encoding="utf-8-sig").splitlines():
                if name := line.strip():
                    image = _listed(named_path(name), called, listed)
                    if found.setdefault(image, part) != part:
                        raise InputError(
                            f"{listed} names {name}, which the list of {found[image]} has too; leave it in one of them."
                        )
    return found


def _listed(name: PurePath, called: Mapping[str, Sequence[Path]], listed: Path) -> Path:
    same = called.get(name.name) or called.get(name.stem, ())
    most = max((folders_alike(name.parent, image.parent) for image in same), default=(0, 0))
    same = [image for image in same if folders_alike(name.parent, image.parent) == most]
    if len(same) != 1:
        what = f"{len(same)} images are called so; write their folders" if same else "there is no such image; add it"
        raise InputError(f"{listed} names {name}, but {what}, or mend the list.")
    return same[0]


def _of_coco(path: Path) -> Sheet:
    content: Any = json_of(path) if path.suffix.lower() == ".json" else None
    if not is_coco(content):
        raise InputError(f"{path} is no COCO JSON (images, annotations, categories); give such, or a folder.")
    rows = []
    for image in content["images"]:
        name = str(image.get("file_name", ""))
        places = (path.parent / name, path.parent / "images" / name, path.parent / "images" / named_path(name).name)
        file = next((place for place in places if name and place.is_file()), None)
        if file is None:
            raise InputError(f"{path} marks the objects of {name or 'an image without a name'}, which is not there.")
        rows.append({"image": relative_path(file, path.parent), "annotation": path.name})
    known = {image["id"] for image in content["images"]}
    other = next((one for one in content["annotations"] if one.get("image_id") not in known), None)
    if other is not None:
        raise InputError(
            f"{path}: an annotation is of the image {other.get('image_id')}, which the file does not name."
        )
    return Sheet(path.parent, ("image", "annotation"), rows)
