"""The verb export: results in the forms that other programs open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, Written, track
from coverslip.core.words import number_of, word_for
from coverslip.figures.colours import category_colours
from coverslip.figures.columns import natural_key
from coverslip.io.atomic import refuse_existing, refuse_own
from coverslip.results.labels.folder import CLASS, LabelFolder, objects_name
from coverslip.results.labels.joining import cells_of, class_names, relocated
from coverslip.results.labels.measuring import labels_to_measure
from coverslip.results.labels.objects import Table, objects_of
from coverslip.results.labels.options import Export

LABEL_FORMATS = {
    "geojson": ".geojson",
    "rois": ".rois.zip",
    "zarr": ".zarr",
    "csv": ".objects.csv",
    "xlsx": ".objects.xlsx",
    "spatialdata": ".spatialdata.zarr",
}
"""The forms that labels are exported in, and the endings of their files."""

_TOGETHER = ("csv", "xlsx", "spatialdata")
"""Those of which one file holds all images."""


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
        raise InputError(
            "Say in which form to export: geojson (QuPath), rois (Fiji), zarr (napari), csv, xlsx, spatialdata, or "
            "several."
        )
    if images is not None and not all(row.get("image") for row in found.rows):
        found = labels_to_measure(found, images)
        images = None  # the rows name them now
    targets = [_target(found, name, out, len(formats) > 1) for name in formats]
    for name, target in zip(formats, targets, strict=True):
        _refuse(target, LABEL_FORMATS[name], force)
        refuse_own(target, found.files())
    export = _Export(found, images, options, labels_of)
    for name, target in zip(formats, targets, strict=True):
        if name == "spatialdata":
            export.spatialdata(target)
        elif name in _TOGETHER:
            export.table(target)
        else:
            _write_each(found, target, LABEL_FORMATS[name], getattr(export, name))
    return [Written(targets[0], notes=tuple(export.notes)), *map(Written, targets[1:])]


def _is_folder(found: LabelFolder) -> bool:
    return found.path.is_dir() and found.path.suffix.lower() != ".zarr"


def _target(found: LabelFolder, name: str, out: str | Path | None, several: bool) -> Path:
    """Where one format goes: a file, or a folder with a file for each image."""
    ending = LABEL_FORMATS[name]
    many = (_is_folder(found) or len(found) > 1) and name not in _TOGETHER
    if out is None:
        path = found.path.absolute()  # "." has no name to add to
        if _is_folder(found):
            return path.with_name(path.name + (ending if name in _TOGETHER else f"-{name}"))
        return path.with_name(found.path.stem + f"-{name}" if many else _stem(found) + ending)
    out = Path(out)
    if several:
        return out / (
            "objects" + ending.removeprefix(".objects")
            if name in _TOGETHER
            else name
            if many
            else _stem(found) + ending
        )
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
    options: Export
    labels_of: Callable[[LabelFolder, int], LabelMap | np.ndarray]
    notes: list[str] = field(default_factory=list)

    def geojson(self, index: int, file: Path) -> None:
        from coverslip.io import write_geojson

        objects = self._objects(index)
        classes: Any = self.options.classification
        if self._class_by is not None:
            classes = self._classes[self._own[index]].tolist()
        frame = self.found.rows[index].get("frame", "")
        write_geojson(
            self.labels_of(self.found, index),
            file,
            objects,
            kind=self.options.kind,
            classification=classes,
            colour="#00c8b4" if self._class_by is None else self._colours,
            source=self.found.stem(index),
            plane=(0, int(frame)) if frame.isdecimal() else None,
        )

    def rois(self, index: int, file: Path) -> None:
        from coverslip.io import write_rois

        write_rois(self.labels_of(self.found, index), file)

    def zarr(self, index: int, file: Path) -> None:
        from coverslip.io import atomic_folder, write_image_zarr, write_zarr_labels

        image, labels = self.found.image(index, self.images), self.found.labels(index)
        name, layers = objects_name(self.found.provenance), self.labels_of(self.found, index)
        record, objects = labels.provenance or self.found.provenance, self._objects(index)
        with atomic_folder(file, overwrite=True) as folder:  # it appears once image and labels are in it
            write_image_zarr(
                image, folder, name=self.found.stem(index), overwrite=True, version=self.options.zarr_version
            )
            write_zarr_labels(labels, folder, name, record, objects)
            if not isinstance(layers, LabelMap) and layers.ndim == 3:
                for number, layer in enumerate(layers, 1):
                    write_zarr_labels(layer, folder, f"{name}-layer-{number}", record, objects)

    def table(self, target: Path) -> None:
        from coverslip.io import write_table

        write_table(relocated(self._table, self.found.folder, target.parent), target)

    def spatialdata(self, target: Path) -> None:
        from coverslip.results.labels.spatial import write_spatialdata

        write_spatialdata(
            target,
            [self.found.stem(i) for i in range(len(self.found))],
            lambda i: self.found.image(i, self.images),
            self.found.labels,
            lambda i: self.labels_of(self.found, i),
            [self._objects(i) for i in range(len(self.found))],
            self.found.provenance,
        )

    @cached_property
    def _table(self) -> Table:
        table = objects_of(self.found, self.images, self.notes, self.labels_of)
        cells = self.options.cells
        if cells is None:
            return table
        own = self.found.own_rows(table)
        parts = [cells_of(self.found, i, cells, table["label"][rows]) for i, rows in enumerate(own)]
        order = np.argsort(np.concatenate(own), kind="stable")
        joined = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
        missing = int(np.isnan(joined["latent_1"]).sum())
        if missing and missing == len(table["label"]):
            raise InputError(
                f"None of the {missing:,} objects of {self.found.path} is among the cells; cut them out of these "
                "labels (coverslip samples crop), and embed them."
            )
        if missing:
            self.notes.append(
                f"{missing:,} of {number_of(len(table['label']), 'object')} {word_for(missing, 'is', 'are')} not "
                "among the cells."
            )
        return {**joined, **table}

    @property
    def _class_by(self) -> str | None:
        """The column of classes: the one asked for, else what a classifier, or somebody, has told."""
        if self.options.class_by is None and self.options.classification is None and CLASS in self._table:
            return CLASS
        return self.options.class_by

    @cached_property
    def _classes(self) -> np.ndarray:
        """The class of each object of all images, as text; empty where it has none."""
        return class_names(self._table, str(self._class_by), self.found.path)

    @cached_property
    def _colours(self) -> dict[str, str]:
        names = sorted(set(self._classes.tolist()) - {""}, key=natural_key)
        return dict(zip(names, category_colours(len(names)), strict=True))

    @cached_property
    def _own(self) -> list[np.ndarray]:
        return self.found.own_rows(self._table)

    def _objects(self, index: int) -> Table:
        return {name: column[self._own[index]] for name, column in self._table.items()}
