"""Results made of label images: a folder with a sheet, or a single file.

The folder is a sample sheet itself, so that whatever takes images and masks takes it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, LabelMap, about
from coverslip.io.cells import Cells, read_cells
from coverslip.io.images.opening import IMAGE_SUFFIXES, is_image_name, open_image
from coverslip.io.labels import label_facts, labels_path, read_labels
from coverslip.io.paths import PARTS, PATH_COLUMNS, moved_path, relative_path, resolve_path, split_part
from coverslip.io.tables import read_table
from coverslip.io.tags import PROVENANCE
from coverslip.results.labels.sources import Source, noted_sources
from coverslip.samples.sheets.masks import SHEET

OBJECTS = "objects.parquet"
IMAGES = "images.csv"

CLASS = "class"
"""Column of the table of objects that holds the class of each, where a classifier, or a person, said so."""

KEYS = ("image", *PARTS, "mask")
"""Columns that tell label images apart, in the table of objects too."""


@dataclass(frozen=True)
class LabelFolder:
    """Label images with the rows of the sheet they belong to; files are opened when asked for.

    Parameters
    ----------
    path : Path
        The folder or the file, as it was given.
    folder : Path
        What paths in the rows are relative to.
    rows : list of dict of str to str
        One per label image: ``image``, ``mask`` (the label image), ``source_mask`` (the truth, where the sheet that was
        predicted on had masks), and the other columns of that sheet.
    provenance : mapping
        Inputs with hashes, model, seed, versions; empty for labels of other programs.
    numbers : tuple of int
        The number of each row in the sheet as a spreadsheet shows it; default: from 2.
    """

    path: Path
    folder: Path
    rows: list[dict[str, str]] = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    numbers: tuple[int, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def file(self, index: int, column: str = "mask") -> Path | None:
        """The file that a row names in `column`, or None where it names none."""
        text = self.rows[index].get(column, "")
        return resolve_path(self.folder, text) if text else None

    def files(self) -> Iterator[Path]:
        """What the result lies in, and all files that its rows name."""
        yield self.path
        if self.path.is_dir() and self.path.suffix.lower() != ".zarr":
            yield from (self.path / name for name in (SHEET, OBJECTS, IMAGES, PROVENANCE))
        for i in range(len(self)):
            yield from (file for column in PATH_COLUMNS if (file := self.file(i, column)) is not None)

    def stem(self, index: int) -> str:
        """The name of a label image without its endings, for further files made of it."""
        file = self.file(index)
        assert file is not None  # `read_label_folder` made sure
        if self.path.suffix.lower() == ".zarr":
            return self.path.stem if len(self) == 1 else f"{self.path.stem}-{file.name}"
        return labels_path(file).name.removesuffix(".labels.tif")

    def where(self, index: int) -> str:
        """Where a row stands, for messages."""
        if not self.path.is_dir() or len(self) == 1:
            return str(self.path)
        return f"{self.path / SHEET}, row {self.numbers[index] if self.numbers else index + 2}"

    def key(self, index: int) -> dict[str, str]:
        """What a row's objects are told by in the table of objects: ``image``, and what else is needed."""
        return {name: self.rows[index].get(name, "") for name in self._keys}

    @cached_property
    def _keys(self) -> list[str]:
        return key_names(self.rows)

    def labels(self, index: int) -> LabelMap:
        """Read a label image.

        Raises
        ------
        InputError
            Naming the row, if the file is missing or is no label image.
        """
        with about(self.where(index)):
            return read_labels(self.existing(index, "mask", None))

    def image(self, index: int, images: str | Path | None = None) -> Image:
        """The image that was labelled (the series and frame, where the row names one); nothing is read yet.

        Parameters
        ----------
        index : int
            The row.
        images : str or Path, optional
            The folder that the images have moved to since.

        Raises
        ------
        InputError
            Naming the row, if the file is missing or cannot be opened.
        """
        row = self.rows[index]
        file = self.existing(index, "image", None if images is None else Path(images))
        mask = self.file(index)
        if mask is not None and mask.resolve() == file.resolve():
            raise InputError(
                f"{self.where(index)}: {file} is the label image itself, not the image that was labelled; name that."
            )
        image = open_image(file, axes=row.get("axes") or None, series=row.get("series") or None)
        frame = row.get("frame", "")
        return image.select(T=int(frame)) if frame.isdecimal() and "T" in image.axes else image

    @property
    def objects_file(self) -> Path | None:
        """Where the table of objects lies, if there is one."""
        stem = labels_path(self.path).name.removesuffix(".labels.tif")
        file = self.folder / (OBJECTS if self.path.is_dir() and self.path.suffix != ".zarr" else f"{stem}.{OBJECTS}")
        return file if file.is_file() else None

    def objects(self) -> dict[str, np.ndarray] | None:
        """The table of objects as it was written, if there is one: a row per object.

        `coverslip.results.labels.objects.objects_of` measures anew what has changed since.
        """
        return None if self.objects_file is None else self.table(self.objects_file)[0]

    def table(self, file: Path) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
        """A table of all images, read once, and which of its rows belong to each (`own_rows`)."""
        if file not in self._tables:
            table = read_table(file)
            self._tables[file] = table, self.own_rows(table, self.sources(file))
        return self._tables[file]

    @cached_property
    def _tables(self) -> dict[Path, tuple[dict[str, np.ndarray], list[np.ndarray]]]:
        return {}

    def sources(self, file: Path) -> list[Source | None]:
        """What a table notes of each image: by the label image, since paths of images are mended."""
        noted = noted_sources(file)
        if len(self) == len(noted) == 1:
            return list(noted)
        by_mask = {source.mask: source for source in noted}
        return [by_mask.get(row.get("mask", "")) for row in self.rows]

    def own_rows(self, table: Mapping[str, np.ndarray], sources: Sequence[Source | None] = ()) -> list[np.ndarray]:
        """Which rows of a table of all images belong to each of them, ``(n,)`` int.

        Parameters
        ----------
        table : mapping of str to ndarray, shape (N,)
            All images, one after the other.
        sources : sequence of Source or None, optional
            What the table notes of each image; an image without is told by the columns of the sheet.
        """
        said_by = [source.key if source else row for row, source in zip_longest(self.rows, sources)]
        known = next((source.key for source in sources if source is not None), None)
        keys = [name for name in (known or self._keys) if name in table]
        if (len(self) == 1 and known is None) or not keys:
            return [np.arange(len(next(iter(table.values()), ())))] * len(self)
        rows = defaultdict(list)
        for row, said in enumerate(zip(*(table[name].tolist() for name in keys), strict=True)):
            rows[said].append(row)
        said_of = (tuple(row.get(name, "") for name in keys) for row in said_by)
        return [np.array(rows.get(said, []), np.intp) for said in said_of]

    def existing(self, index: int, column: str = "mask", moved: Path | None = None) -> Path:
        """The file that a row names, also where it has `moved`; one that is missing is an error that names the row."""
        file = self.file(index, column)
        if file is None:
            raise InputError(f"{self.where(index)} names no {column}; fill in its path, or delete the row.")
        if moved is not None:
            file = moved_path(file, moved)
        if not file.exists():
            raise InputError(
                f"{self.where(index)}: there is no {column} {file}; mend the path, or name the folder it has moved to."
            )
        return file


def read_label_folder(path: str | Path) -> LabelFolder:
    """Open a result made of label images.

    Parameters
    ----------
    path : str or Path
        A folder that `write_label_folder` wrote (or any with a ``sheet.csv`` that has the columns ``image`` and
        ``mask``), a single label image (of other programs too; its image is the one noted in it, else the one beside it
        of the same name), or an OME-Zarr image with labels.

    Returns
    -------
    LabelFolder

    Raises
    ------
    InputError
        If there are no labels at `path`.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; give the folder or the label image that coverslip predict wrote.")
    if path.suffix.lower() == ".zarr":
        return _of_zarr(path)
    if path.is_file():
        if not is_image_name(path):
            raise InputError(f"{path} is no label image; give a folder of labels, a .labels.tif, or an OME-Zarr image.")
        return _of_file(path)
    if not (path / SHEET).is_file():
        raise InputError(
            f"{path} is no folder of labels: it has no {SHEET} with the columns image and mask; give the folder that "
            "coverslip predict wrote, or pair label images of another program with theirs (coverslip samples make)."
        )
    cells = _read_rows(path / SHEET)
    facts: Any = {}
    if (path / PROVENANCE).is_file():
        try:
            facts = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
        except ValueError:
            facts = None
        if not isinstance(facts, dict):
            raise InputError(f"{path / PROVENANCE} is damaged; copy it again, or delete it.")
    return LabelFolder(path, path, cells.rows, facts, cells.numbers)


def objects_name(record: Mapping[str, Any]) -> str:
    """What the objects of a result are called: nuclei or cells where its model is named so, else objects."""
    model = record.get("model")
    named = Path(str(model.get("folder") or "")).name if isinstance(model, Mapping) else ""
    return next((word for word in ("nuclei", "cells") if word in named.lower()), "objects")


def key_names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """What tells rows apart: ``image``; the part of it where rows name one; ``mask`` where these do not suffice."""
    names = [name for name in KEYS[:-1] if any(row.get(name) for row in rows)]
    if len({tuple(row.get(name, "") for name in names) for row in rows}) < len(rows):
        names.append(KEYS[-1])
    return names


def _read_rows(path: Path) -> Cells:
    cells = read_cells(path)
    if not cells.rows or not {"image", "mask"} <= set(cells.columns):
        raise InputError(f"{path} has no rows with the columns image and mask; give the folder of a label result.")
    for number, row in zip(cells.numbers, cells.rows, strict=True):
        if not row["mask"]:
            raise InputError(
                f"{path}, row {number}: the column 'mask' is empty; name a label image, or delete the row."
            )
    return cells


def _of_file(path: Path) -> LabelFolder:
    facts = label_facts(path)
    source, part = split_part(str(facts.get("source", "")))
    if not source or not Path(source).exists() or Path(source).resolve() == path.resolve():
        stem = labels_path(path).name.removesuffix(".labels.tif")
        beside = (path.with_name(stem + ending) for suffix in IMAGE_SUFFIXES for ending in (suffix, f".ome{suffix}"))
        source = str(next((file for file in beside if file.exists() and file != path), ""))
        part = {}
    row = {"image": relative_path(Path(source), path.parent) if source else "", "mask": path.name, **part}
    return LabelFolder(path, path.parent, [row], facts.get("provenance") or {})


def _of_zarr(path: Path) -> LabelFolder:
    inside = path / "labels"
    names = sorted(part.name for part in inside.iterdir() if part.is_dir()) if inside.is_dir() else []
    if not names:
        raise InputError(f"{path} holds an image but no labels; give the result of a segmentation.")
    rows = [{"image": path.name, "mask": f"{path.name}/labels/{name}"} for name in names]
    return LabelFolder(path, path.parent, rows)
