"""The verb export: results in the forms that other programs open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, Written, track
from coverslip.figures.colours import CATEGORIES
from coverslip.io.atomic import refuse_existing, refuse_own
from coverslip.results.labels.folder import CLASS, LabelFolder
from coverslip.results.labels.objects import Table, objects_of
from coverslip.results.labels.options import Export

LABEL_FORMATS = {"geojson": ".geojson", "rois": ".rois.zip", "zarr": ".zarr", "csv": ".objects.csv"}
"""The forms that labels are exported in, and the endings of their files."""


def export(
    found: LabelFolder, out: str | Path | None, images: str | Path | None, force: bool, options: Export
) -> list[Written]:
    """Write a result made of label images in other forms; see `coverslip.verbs.export.export`."""
    return export_with(LabelFolder.labels, found, out, images, force, options)


def export_with(
    labels_of: Callable[[LabelFolder, int], LabelMap | np.ndarray],
    found: LabelFolder,
    out: str | Path | None,
    images: str | Path | None,
    force: bool,
    options: Export,
) -> list[Written]:
    """The same, with outlines of what a function reads of each image: labels, or layers of them that overlap."""
    formats = [name for name in LABEL_FORMATS if getattr(options, name)]
    if not formats:
        raise InputError("Say in which form to export: geojson (QuPath), rois (Fiji), zarr (napari), csv, or several.")
    targets = [_target(found, name, out, len(formats) > 1) for name in formats]
    for name, target in zip(formats, targets, strict=True):
        _refuse(target, LABEL_FORMATS[name], force)
        refuse_own(target, found.files())
    export = _Export(found, images, options.kind, options.classification, labels_of)
    for name, target in zip(formats, targets, strict=True):
        if name == "csv":
            export.csv(target)
        else:
            _write_each(found, target, LABEL_FORMATS[name], getattr(export, name))
    return [Written(targets[0], notes=tuple(export.notes)), *map(Written, targets[1:])]


def _is_folder(found: LabelFolder) -> bool:
    return found.path.is_dir() and found.path.suffix.lower() != ".zarr"


def _target(found: LabelFolder, name: str, out: str | Path | None, several: bool) -> Path:
    """Where one format goes: a file, or a folder with a file for each image."""
    ending = LABEL_FORMATS[name]
    many = (_is_folder(found) or len(found) > 1) and name != "csv"
    if out is None:
        path = found.path.absolute()  # "." has no name to add to
        if _is_folder(found):
            return path.with_name(path.name + (ending if name == "csv" else f"-{name}"))
        return path.with_name(found.path.stem + f"-{name}" if many else _stem(found) + ending)
    out = Path(out)
    if several:
        return out / ("objects.csv" if name == "csv" else name if many else _stem(found) + ending)
    last = "." + ending.rsplit(".", 1)[-1]
    if not many and out.suffix.lower() != last:
        raise InputError(f"'{out}' should end in {last}: the result is such a file.")
    return out


def _stem(found: LabelFolder) -> str:
    # The zarr of a zarr must not be the result itself.
    return found.stem(0) + ("-labels" if found.path.suffix.lower() == ".zarr" else "")


def _refuse(target: Path, ending: str, force: bool) -> None:
    refuse_existing(target, force)
    if target.is_dir() and target.suffix != ".zarr":
        other = next((path for path in target.iterdir() if not path.name.endswith(ending)), None)
        if other is not None:
            raise InputError(
                f"{target} holds other things ({other.name}), so it is not replaced; choose another --out."
            )


def _write_each(found: LabelFolder, target: Path, ending: str, write: Callable[[int, Path], Any]) -> None:
    from coverslip.io import atomic_folder

    if not _is_folder(found) and len(found) == 1:
        for i in track([0], f"Writing {target.name}"):
            write(i, target)
        return
    with atomic_folder(target, overwrite=True) as folder:
        for i in track(range(len(found)), f"Writing {target.name}"):
            write(i, folder / f"{found.stem(i)}{ending}")


@dataclass(frozen=True)
class _Export:
    """A result and what is asked of it; each method writes one image of it in one format."""

    found: LabelFolder
    images: str | Path | None
    kind: str
    classification: str | None
    labels_of: Callable[[LabelFolder, int], LabelMap | np.ndarray]
    notes: list[str] = field(default_factory=list)

    def geojson(self, index: int, file: Path) -> None:
        from coverslip.io import write_geojson

        kind: Any = self.kind
        objects = self._objects(index)
        classes: Any = self.classification
        if classes is None and CLASS in objects:  # told by a classifier, or by hand
            classes = {int(n): str(name) for n, name in zip(objects["label"], objects[CLASS], strict=True) if name}
        labels = self.labels_of(self.found, index)
        options = {} if not isinstance(classes, dict) else {"colour": self._colours}
        write_geojson(labels, file, objects, kind=kind, classification=classes, **options)

    def rois(self, index: int, file: Path) -> None:
        from coverslip.io import write_rois

        write_rois(self.labels_of(self.found, index), file)

    def zarr(self, index: int, file: Path) -> None:
        from coverslip.io import atomic_folder, write_image_zarr, write_zarr_labels

        image, labels = self.found.image(index, self.images), self.found.labels(index)
        with atomic_folder(file, overwrite=True) as folder:  # it appears once image and labels are in it
            write_image_zarr(image, folder, name=self.found.stem(index), overwrite=True)
            write_zarr_labels(labels, folder)

    def csv(self, target: Path) -> None:
        from coverslip.io import write_table

        write_table(self._table, target)

    @cached_property
    def _table(self) -> Table:
        return objects_of(self.found, self.images, self.notes, self.labels_of)

    @cached_property
    def _own(self) -> list[np.ndarray]:
        return self.found.own_rows(self._table)

    @cached_property
    def _colours(self) -> dict[str, str]:
        """The same colour for a class in all images."""
        names = sorted({str(name) for name in self._table[CLASS] if name})
        return {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(names)}

    def _objects(self, index: int) -> Table:
        return {name: column[self._own[index]] for name, column in self._table.items()}
