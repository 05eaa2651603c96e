"""The verb predict for methods that decompose: images explained object by object, one after the other, into a folder.

Each image is written as soon as it is done, and the parts of a large one are kept until then, so that work that was
stopped or killed goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import __version__, api, methods
from coverslip.core.decomposition import Decomposition
from coverslip.core.errors import InputError, about
from coverslip.core.fields import FieldSubset
from coverslip.core.interrupt import stop_on_signal
from coverslip.core.kept import Kept
from coverslip.core.progress import task
from coverslip.core.region import Region
from coverslip.measure import object_table
from coverslip.measure.shapes import Table
from coverslip.nn.tiles import tiles
from coverslip.read.decomposition_writer import (
    finish_decomposition_folder,
    plan_decomposition_rows,
    write_decomposition,
)
from coverslip.read.decompositions import FILES
from coverslip.read.labels import labels_path
from coverslip.read.models import Model
from coverslip.sample.fields import SheetFields, names_one_image
from coverslip.segmenting.job import Segmented, stopped_after
from coverslip.segmenting.sharing import Asked, device_names
from coverslip.segmenting.target import Target
from coverslip.segmenting.work import Parts, Work
from coverslip.segmenting.writing import place_folder

_FILE_ENDINGS = (".tif", ".tiff", ".zarr", ".h5ad", ".csv", ".parquet", ".png", ".npy", ".html", ".geojson")
_AT_ONCE = 2048
"""Side of the parts of a large image that objects are measured in, pixels, without their margins."""


def decompose_to_file(
    model: Model,
    inputs: str | Path,
    out: str | Path | None = None,
    asked: Asked | None = None,
    *,
    rivals: Sequence[str | Path] = (),
    resume: bool = False,
    force: bool = False,
) -> Segmented:
    """Decompose one image, a folder or a sheet, and write a folder.

    Parameters
    ----------
    model : Model
        Of a method that decomposes.
    inputs : str or Path
        What to decompose.
    out : str or Path, optional
        The folder; default: ``<name>-decomposition`` in the current one.
    asked : Asked, optional
        Device, channels and options of the method.
    rivals : sequence of str or Path
        Further models of the same method, which compete for every object.
    resume : bool
        Go on with work that was stopped or killed: finished images are kept.
    force : bool
        Replace what is there.

    Returns
    -------
    Segmented

    Raises
    ------
    InputError
        If an input cannot be read or does not fit the model; what was done before it is kept, for `resume`.
    Stopped
        After Ctrl-C or a request to terminate, with the images that are done kept.
    """
    asked = asked or Asked()
    target = _target(inputs, out)
    if target.check(resume, force):
        return Segmented(target.path, finished_before=True)
    api.refuse_options(model, asked.method)
    others = api.load_rivals(model, rivals)
    device_names(asked.device, 1)  # before the first image is opened
    channels = {**model.facts.get("input", {}), **asked.input}
    fields: SheetFields = api.open_inputs(methods.get(model.method), inputs, **channels)
    work = Work(target.work)
    identity = {
        "model": model.provenance.get("weights_sha256"),
        "rivals": [rival.provenance.get("weights_sha256") for rival in others],
        "inputs": str(Path(inputs).resolve()),
        "out": "decomposition",
        "version": __version__,  # another one may cut images into other parts
        **channels,
        **asked.method,
    }
    work.begin(identity, {}, resume=resume)
    record = api.prediction_record(model, inputs, fields, asked.method, channels, others)
    with work.until_done():
        options = {"device": asked.device, "rivals": others, **asked.method}
        objects = _Decomposing(model, options, fields, target, work, record).run()
    return Segmented(target.path, len(fields), objects)


def _target(inputs: str | Path, out: str | Path | None) -> Target:
    """The folder that the result goes into."""
    source = Path(inputs).resolve()
    if out is None:
        name = source.name if source.is_dir() else source.stem
        if names_one_image(source):
            name = labels_path(source.name).name.removesuffix(".labels.tif")
        return Target("folder", Path(f"{name}-decomposition"))
    out = Path(out)
    if out.resolve() == source:
        raise InputError(f"{out} is what is to be decomposed, so it is not replaced; choose another --out.")
    if out.suffix.lower() in _FILE_ENDINGS:
        raise InputError(
            f"'{out}' is no place for a decomposition, which has several files for each image: name a folder, such as "
            f"{out.name.split('.')[0]}-decomposition."
        )
    return Target("folder", out)


class _Decomposing:
    """One prediction while it runs."""

    def __init__(
        self,
        model: Model,
        options: Mapping[str, Any],
        fields: SheetFields,
        target: Target,
        work: Work,
        record: Mapping[str, Any],
    ) -> None:
        self.model, self.options, self.record = model, options, record
        self.fields, self.target, self.work = fields, target, work
        sheet = fields.sheet
        self.rows = plan_decomposition_rows(sheet.rows, sheet.folder, target.path, sheet.numbers)
        self.images = [
            work.pending(row["mask"].removesuffix(".labels.tif"), Path(fields.image(i).source), sheet.frame_text(i), [])
            for i, row in enumerate(self.rows)
        ]

    def run(self) -> int:
        """Do what is left, write the result, and say how many objects there are."""
        left = [index for index, image in enumerate(self.images) if not image.finished]
        if left:
            self._decompose(left)
        tables = [_apart(self.work.table(image.name)) for image in self.images]
        files = {row[column] for row in self.rows for column in ("mask", *FILES)}
        place_folder(
            self.work.result,
            self.target.path,
            files,
            lambda: finish_decomposition_folder(self.work.result, self.rows, tables, self.record),
        )
        return sum(len(objects["label"]) for objects, _ in tables)

    def _decompose(self, left: Sequence[int]) -> None:
        line = task("Decomposing", len(self.images))
        stop = threading.Event()
        before = len(self.images) - len(left)

        def kept(place: int) -> Kept:
            parts = self.work.parts(self.images[left[place]])
            return _UntilStopped(parts, stop, before + place, len(self.images))

        predict = methods.get(self.model.method).predict
        options = {**self.options, "kept": kept} if "kept" in signature(predict).parameters else self.options
        found = predict(self.model, FieldSubset(self.fields, left), **options)
        line.advance(before)
        with stop_on_signal(stop), closing(line), closing(found):
            for done, index in enumerate(left, before + 1):
                with about(self.fields.name(index)):
                    decomposition: Decomposition = next(found)
                self._write(index, decomposition)
                explained = decomposition.rounds["explained"]
                share = f", {explained[-1]:.0%} explained" if len(explained) else ""
                line.advance(1, f"{len(decomposition):,} objects{share} in the last")
                if stop.is_set() and done < len(self.images):
                    raise stopped_after(done, len(self.images))

    def _write(self, index: int, decomposition: Decomposition) -> None:
        def pixels(region: Region) -> np.ndarray:
            return self.fields.pixels(index, region)

        name = self.images[index].name
        found = replace(decomposition, source=str(Path(self.fields.name(index)).absolute()))
        table = measured(found, pixels, self.fields.channels)
        # Light adds up in one channel.
        tables = write_decomposition(
            found, lambda region: pixels(region)[0], self.work.result, name, table, self.record
        )
        self.work.finish(self.images[index], _together(*tables))


class _UntilStopped:
    """The parts of an image on disk; once one is there, a request to stop is heard."""

    def __init__(self, parts: Parts, stop: threading.Event, whole: int, total: int) -> None:
        self._parts, self._stop, self._whole, self._total = parts, stop, whole, total

    def get(self, part: int) -> Mapping[str, np.ndarray] | None:
        return self._parts.get(part)

    def put(self, part: int, arrays: Mapping[str, np.ndarray]) -> None:
        self._parts.put(part, arrays)
        if self._stop.is_set():
            raise stopped_after(self._whole, self._total, f" and {self._parts.done} parts of the next")


def measured(found: Decomposition, pixels: Callable[[Region], np.ndarray], channels: Sequence[str]) -> Table:
    """All objects measured on their whole masks, in windows, so that a large image is never held whole."""
    size = found.labels.shape
    widest = max((max(mask.shape) for mask in found.masks), default=0)
    tables = []
    for tile in tiles(Region(0, 0, *size), size, side=_AT_ONCE, margin=widest):
        y, x = (found.objects[name] for name in ("top_px", "left_px"))
        begins = (y >= tile.core.y) & (y < tile.core.stop_y) & (x >= tile.core.x) & (x < tile.core.stop_x)
        for number in range(found.depth):
            labels, _ = found.layer(number, tile.window)
            own = np.where(np.isin(labels, found.objects["object"][begins]), labels, 0)
            tables.append(
                object_table(own, pixels, channels, pixel_size=found.pixel_size, part=tile.window, whole=size)
            )
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _together(objects: Table, rounds: Table) -> Table:
    """Both tables of an image as one, to be kept until all images are done."""
    return {
        f"{kind}/{key}": column
        for kind, table in (("objects", objects), ("rounds", rounds))
        for key, column in table.items()
    }


def _apart(table: Table) -> tuple[Table, Table]:
    objects, rounds = (
        {key.removeprefix(kind): column for key, column in table.items() if key.startswith(kind)}
        for kind in ("objects/", "rounds/")
    )
    return objects, rounds
