"""The verb export: results in the forms that other programs open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.progress import track
from coverslip.core.results import LabelMap
from coverslip.objects import Table, objects_of
from coverslip.read.atomic import refuse_existing
from coverslip.read.decompositions import holds_decompositions, read_layers
from coverslip.read.label_folder import LabelFolder, read_label_folder

LABEL_FORMATS = {"geojson": ".geojson", "rois": ".rois.zip", "zarr": ".zarr", "csv": ".objects.csv"}
"""The forms that labels are exported in, and the endings of their files."""


def export_labels(
    result: str | Path | LabelFolder,
    formats: Sequence[str],
    out: str | Path | None = None,
    *,
    images: str | Path | None = None,
    kind: str = "detection",
    classification: str | None = None,
    force: bool = False,
) -> list[Path]:
    """Write a result made of label images in other forms.

    Parameters
    ----------
    result : str, Path or LabelFolder
        A folder of labels or of decompositions (whose outlines are those of whole objects, which may overlap), a single
        label image, or an OME-Zarr image with labels.
    formats : sequence of str
        Of ``"geojson"`` (QuPath), ``"rois"`` (ImageJ and Fiji), ``"zarr"`` (image and labels together, for napari) and
        ``"csv"`` (the table of objects).
    out : str or Path, optional
        Where to. For one format: a folder for a folder of labels (the file for ``csv``), a file for a single image. For
        several: a folder that gets one for each. Default: beside the result, named after it and the format.
    images : str or Path, optional
        The folder that the images have moved to since.
    kind, classification
        What QuPath makes of the objects; see `coverslip.read.write_geojson`.
    force : bool
        Replace what was exported before.

    Returns
    -------
    list of Path
        What was written, in the order of `formats`.

    Raises
    ------
    InputError
        If a format is unknown, something is there already, or an image is missing that is needed.
    """
    found = result if isinstance(result, LabelFolder) else read_label_folder(result)
    unknown = next((name for name in formats if name not in LABEL_FORMATS), None)
    if unknown is not None or not formats:
        asked = f"There is no format '{unknown}'" if unknown else "No format was asked for"
        raise InputError(f"{asked}; choose of {', '.join(LABEL_FORMATS)}.")
    targets = [_target(found, name, out, len(formats) > 1) for name in formats]
    for name, target in zip(formats, targets, strict=True):
        _refuse(target, LABEL_FORMATS[name], force)
    export = _Export(found, images, kind, classification)
    for name, target in zip(formats, targets, strict=True):
        if name == "csv":
            export.csv(target)
        else:
            _write_each(found, target, LABEL_FORMATS[name], getattr(export, name))
    return targets


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
    from coverslip.read import atomic_folder

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

    def geojson(self, index: int, file: Path) -> None:
        from coverslip.read import write_geojson

        kind: Any = self.kind
        write_geojson(self._labels(index), file, self._objects(index), kind=kind, classification=self.classification)

    def rois(self, index: int, file: Path) -> None:
        from coverslip.read import write_rois

        write_rois(self._labels(index), file)

    def zarr(self, index: int, file: Path) -> None:
        from coverslip.read import atomic_folder, write_image_zarr, write_zarr_labels

        image, labels = self.found.image(index, self.images), self.found.labels(index)
        with atomic_folder(file, overwrite=True) as folder:  # it appears once image and labels are in it
            write_image_zarr(image, folder, name=self.found.stem(index), overwrite=True)
            write_zarr_labels(labels, folder)

    def csv(self, target: Path) -> None:
        from coverslip.read import write_table

        write_table(self._table, target)

    def _labels(self, index: int) -> LabelMap | np.ndarray:
        """Objects whole, also where others cover them, where the result says so."""
        return read_layers(self.found, index) if holds_decompositions(self.found) else self.found.labels(index)

    @cached_property
    def _table(self) -> Table:
        return objects_of(self.found, self.images)

    def _objects(self, index: int) -> Table:
        own = self.found.own_rows(self._table, index)
        return {name: column[own] for name, column in self._table.items()}
