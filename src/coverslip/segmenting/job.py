"""Segment images and write the labels."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from coverslip import api, methods
from coverslip.core.errors import InputError, Stopped
from coverslip.core.interrupt import stop_on_signal
from coverslip.core.progress import task
from coverslip.read.label_writer import plan_rows
from coverslip.read.models import Model
from coverslip.sample.fields import SheetFields
from coverslip.segmenting.blocks import Job, Segmenter
from coverslip.segmenting.sharing import Asked, device_names, team
from coverslip.segmenting.target import Target
from coverslip.segmenting.work import Work
from coverslip.segmenting.workers import Workers
from coverslip.segmenting.writing import write_image_result, write_result


@dataclass(frozen=True)
class Segmented:
    """What came of it.

    Parameters
    ----------
    path : Path
        Where the labels are.
    images, objects : int
        How many.
    finished_before : bool
        Whether it was all there already.
    """

    path: Path
    images: int = 0
    objects: int = 0
    finished_before: bool = False


def segment_to_file(
    model: Model,
    inputs: str | Path,
    out: str | Path | None = None,
    asked: Asked | None = None,
    *,
    resume: bool = False,
    force: bool = False,
) -> Segmented:
    """Segment one image, a folder or a sheet, and write the labels.

    Parameters
    ----------
    model : Model
        Of a method that gives labels.
    inputs : str or Path
        What to segment.
    out : str or Path, optional
        Where to; see `Target.of`.
    asked : Asked, optional
        How.
    resume : bool
        Go on with work that was stopped or killed: finished images, and finished blocks of large ones, are kept.
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
        After Ctrl-C or a request to terminate, with what was done kept.
    """
    asked = asked or Asked()
    target = Target.of(inputs, out)
    if target.check(resume, force):
        return Segmented(target.path, finished_before=True)
    api.refuse_options(model, asked.method)
    if asked.dask is None:
        device_names(asked.device, asked.devices)  # before the first image is opened
    channels = {**model.facts.get("input", {}), **asked.input}
    fields: SheetFields = api.open_inputs(methods.get(model.method), inputs, **channels)
    with team(model, fields, channels, asked) as gathered:
        work = Work(target.work)
        identity = {
            "model": model.provenance.get("weights_sha256"),
            "inputs": str(Path(inputs).resolve()),
            "out": target.kind,
            **channels,
            **asked.identity(),
        }
        facts = work.begin(identity, {"side": gathered.side}, resume=resume)
        record = api.prediction_record(model, inputs, fields, asked.method, channels)
        prediction = _Prediction(fields, target, work, gathered.segmenter, facts["side"], asked.probability, record)
        with work.until_done():
            objects = prediction.run(gathered.workers)
    return Segmented(target.path, len(fields), objects)


def stopped_after(whole: int, total: int, more: str = "") -> Stopped:
    """What to raise after Ctrl-C: so many images, and perhaps more, are done."""
    return Stopped(
        f"Stopped after {whole} of {total} images{more}; what is done is saved: run the same command with --resume to "
        "go on."
    )


class _Prediction:
    """One prediction while it runs."""

    def __init__(
        self,
        fields: SheetFields,
        target: Target,
        work: Work,
        segmenter: Segmenter,
        side: int,
        probability: bool,
        record: Mapping[str, Any],
    ) -> None:
        self.fields, self.target, self.work = fields, target, work
        self.segmenter, self.probability, self.record = segmenter, probability, record
        sheet = fields.sheet
        one = target.kind != "folder"
        self.rows = plan_rows(sheet.rows, sheet.folder, target.path.parent if one else target.path, sheet.numbers)
        names = [target.stem] if one else [row["mask"].removesuffix(".labels.tif") for row in self.rows]
        blocks = [segmenter.blocks(fields.size(i), side) for i in range(len(fields))]
        self.images = [
            work.pending(name, Path(fields.image(i).source), sheet.frame_text(i), blocks[i])
            for i, name in enumerate(names)
        ]

    def run(self, workers: Workers) -> int:
        """Do what is left, write the result, and say how many objects there are."""
        total = sum(len(image.blocks) for image in self.images)
        line = task("Segmenting", total)
        line.advance(sum(image.done for image in self.images))
        stop = threading.Event()
        found = workers.found(self._jobs())
        with stop_on_signal(stop), closing(line), closing(found):
            for index, image in enumerate(self.images):
                if image.finished:
                    continue
                canvas = self.work.canvas(image, self.fields.size(index), self.probability)
                for block in image.blocks[image.done :]:
                    try:
                        canvas.add(self.fields, index, block, next(found))
                    except InputError:
                        if stop.is_set():  # the workers of a local cluster hear Ctrl-C too, and end
                            self._stop(index)
                        raise
                    whole = canvas.done == len(image.blocks)
                    line.advance(1, f"{index + whole}/{len(self.images)} images, {canvas.count:,} objects in the last")
                    if stop.is_set() and not whole:
                        self._stop(index, f" and {canvas.done} of {len(image.blocks)} blocks of the next")
                write_image_result(self.target, self.work.result, image.name, canvas, self.fields, index, self.record)
                self.work.finish(image, canvas.table())
                if stop.is_set() and index + 1 < len(self.images):
                    self._stop(index + 1)
        tables = [self.work.table(image.name) for image in self.images]
        write_result(self.target, self.work.result, self.rows, tables, self.record)
        return sum(len(table["label"]) for table in tables)

    def _stop(self, whole: int, more: str = "") -> NoReturn:
        raise stopped_after(whole, len(self.images), more)

    def _jobs(self) -> Iterator[Job]:
        for index, image in enumerate(self.images):
            if not image.finished:
                exposure = None if len(image.blocks) == 1 else self.segmenter.exposure(self.fields, index)
                for block in image.blocks[image.done :]:
                    yield Job(index, block, exposure)
