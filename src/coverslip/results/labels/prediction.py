"""Objects found in images, in memory or into files: one image, thousands of them, or one larger than memory.

Images are cut into blocks, objects are found block by block, and each image is written as soon as it is done, so that
work that was stopped or killed goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from coverslip.core import Image, InputError, LabelMap, Written, about, stop_on_signal, task
from coverslip.core.words import number_of
from coverslip.io.atomic import refuse_own
from coverslip.io.places import held
from coverslip.models.folder import Model
from coverslip.models.record import asked_of, finished, path_of, prediction_record
from coverslip.results.labels.blocks import FOOTPRINT, TRADE, Part, Segmenter
from coverslip.results.labels.canvas import Canvas
from coverslip.results.labels.options import Predict
from coverslip.results.labels.placing import write_image_result, write_result
from coverslip.results.labels.seen import Seen, doubted, note_seen, without_seen
from coverslip.results.labels.target import Target
from coverslip.results.labels.without_data import notes_on, with_rule
from coverslip.samples.opening.fields import SheetFields
from coverslip.samples.opening.given import as_array
from coverslip.samples.sheets.masks import plan_rows
from coverslip.samples.sheets.sheet import names_one_image
from coverslip.work.asked import Asked
from coverslip.work.crew import Piece, Workers, crew, device_names
from coverslip.work.unfinished import Work, stopped_after


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Any:
    """Find the objects of fields; see `coverslip.predict`."""
    found = list(segment(model, inputs, asked.device, given, with_rule(asked, options.nodata).input))
    doubted([one.source for one in found], [Seen.of(one) for one in found], options.strict)
    return one_or_all(found, inputs)


def segment(
    model: Model,
    inputs: Any,
    device: str = "auto",
    given: Mapping[str, Any] | None = None,
    opened_as: Mapping[str, Any] | None = None,
) -> Iterator[LabelMap]:
    """Find the objects of one field after the other.

    Yields
    ------
    LabelMap
        In the order of the inputs, with provenance.
    """
    how = {**model.facts.get("input", {}), **(opened_as or {})}
    opened = model.open(inputs, **how)
    record = prediction_record(model, inputs, opened, given, how)
    found = model.implementation.predict(model, opened, device=device, **(given or {}))
    for i in range(len(opened)):
        with about(opened.name(i)):
            labels = next(found)
        yield replace(labels, provenance={**record, **labels.provenance})


def one_or_all(found: list[Any], inputs: Any) -> Any:
    """The result of a single image by itself; of a sheet, a folder or fields a list, also where there is only one."""
    path = path_of(inputs)
    single = names_one_image(path) if path is not None else isinstance(as_array(inputs), np.ndarray | Image)
    return found[0] if single and len(found) == 1 else found


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Find objects and write the labels; see `coverslip.verbs.predict.predict_to_file`."""
    asked = with_rule(asked, options.nodata)
    target = replace(Target.of(inputs, out, **asked.parts), version=options.zarr_version)
    with held(target.path):
        return _placed(target, model, inputs, asked, options, given)


def _placed(
    target: Target, model: Model, inputs: str | Path, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    how = model.how(asked.input)
    if target.check(asked.resume, asked.force):
        return finished(target.path, asked_of(model, inputs, how, options, given, out=target.kind))
    if asked.dask is None:
        device_names(asked.device, asked.devices)  # before the first image is opened
    fields: SheetFields = model.open_usable(inputs, **asked.input)
    refuse_own(target.path, [*fields.sheet.sources(), *([model.folder] if model.folder else [])])
    with crew(TRADE, model, fields, asked, given, FOOTPRINT) as gathered:
        work = Work(target.work)
        wanted = asked_of(model, inputs, how, options, given, out=target.kind)
        facts = work.begin({**wanted, "max_ram": asked.max_ram}, {"side": gathered.side}, resume=asked.resume)
        record = prediction_record(model, inputs, fields, given, how, asked=wanted)
        prediction = _Prediction(fields, target, work, gathered.tool, facts["side"], options, record)
        with work.until_done():
            objects = prediction.run(gathered.workers)
    notes = (*fields.sheet.notes, *notes_on(prediction.nodata), *prediction.notes)
    return Written(target.path, said_of(objects, len(fields)), notes=notes)


def said_of(objects: int, images: int) -> str:
    """What came of it, in words."""
    return f"Found {number_of(objects, 'object')} in {number_of(images, 'image')}"


class _Prediction:
    """One prediction while it runs."""

    def __init__(
        self,
        fields: SheetFields,
        target: Target,
        work: Work,
        segmenter: Segmenter,
        side: int,
        options: Predict,
        record: Mapping[str, Any],
    ) -> None:
        self.fields, self.target, self.work = fields, target, work
        self.segmenter, self.record, self.overlay = segmenter, record, options.overlay
        self.probability, self.strict = options.probability, options.strict
        self.maps = tuple(segmenter.maps_kept) if options.maps else ()
        self.nodata: dict[str, tuple[float, ...]] = {}
        sheet = fields.sheet
        one = target.kind != "folder"
        self.rows = plan_rows(sheet.rows, sheet.folder, target.path.parent if one else target.path, sheet.numbers)
        names = [target.stem] if one else [row["mask"].removesuffix(".labels.tif") for row in self.rows]
        blocks = [segmenter.blocks(fields.size(i), side) for i in range(len(fields))]
        self.images = [
            work.pending(name, Path(fields.image(i).source), sheet.part(i), blocks[i]) for i, name in enumerate(names)
        ]

    def run(self, workers: Workers) -> int:
        """Do what is left, write the result, and say how many objects there are."""
        total = sum(len(image.blocks) for image in self.images)
        line = task("Segmenting", total)
        line.advance(sum(image.done for image in self.images))
        stop = threading.Event()
        found = workers.found(self._pieces())
        with stop_on_signal(stop), closing(line), closing(found):
            for index, image in enumerate(self.images):
                if image.finished:
                    continue
                folder = self.work.folder_of(image)
                canvas = Canvas(folder, image.stamp, self.fields.size(index), self.probability, self.maps)
                for _ in image.blocks[image.done :]:
                    try:
                        part = next(found)
                        if part.nodata is not None:
                            self.nodata[self.fields.name(index)] = part.nodata
                        canvas.add(self.fields, index, part)
                    except InputError:
                        if stop.is_set():  # the workers of a local cluster hear Ctrl-C too, and end
                            self._stop(index)
                        raise
                    whole = canvas.done == len(image.blocks)
                    line.advance(
                        1, f"{index + whole}/{len(self.images)} images, {number_of(canvas.count, 'object')} in the last"
                    )
                    if stop.is_set() and not whole:
                        self._stop(index, f" and {canvas.done} of {len(image.blocks)} blocks of the next")
                place = self.work.result
                write_image_result(
                    self.target, place, image.name, canvas, self.fields, index, self.record, self.overlay
                )
                self.work.finish(image, canvas.table())
                if stop.is_set() and index + 1 < len(self.images):
                    self._stop(index + 1)
        parted = [without_seen(self.work.table(image.name)) for image in self.images]
        tables = [table for table, _ in parted]
        told = "diameter" in self.record.get("options", {})
        self.notes = note_seen(self.rows, tables, [seen for _, seen in parted], self.strict, told)
        write_result(self.target, self.work.result, self.rows, tables, self.record)
        return sum(len(table["label"]) for table in tables)

    def _stop(self, whole: int, more: str = "") -> NoReturn:
        raise stopped_after(whole, len(self.images), more)

    def _pieces(self) -> Iterator[Piece]:
        for index, image in enumerate(self.images):
            if not image.finished:
                view = None if len(image.blocks) == 1 else self.segmenter.view(self.fields, index)
                for block in image.blocks[image.done :]:
                    yield Piece((index,), Part(block, view, self.probability, bool(self.maps)))
