"""Images explained object by object, in memory or into a folder.

Each image is written as soon as it is done, and the parts of a large one are kept until then, so that work that was
stopped or killed goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import __version__
from coverslip.core import (
    Decomposition,
    Fields,
    InputError,
    Kept,
    LabelMap,
    Region,
    Written,
    about,
    stop_on_signal,
    task,
)
from coverslip.core.words import number_of
from coverslip.io.atomic import refuse_own
from coverslip.io.labels import labels_path
from coverslip.io.places import held
from coverslip.measure import object_table
from coverslip.measure.objects.shapes import Table
from coverslip.models.folder import Model
from coverslip.models.loading import loaded
from coverslip.models.record import asked_of, finished, prediction_record
from coverslip.nn.tiles import tiles
from coverslip.results.decomposition.folder import FILES
from coverslip.results.decomposition.options import Predict
from coverslip.results.decomposition.writer import (
    finish_decomposition_folder,
    plan_decomposition_rows,
    write_decomposition,
)
from coverslip.results.labels.placing import place_folder
from coverslip.results.labels.prediction import one_or_all, said_of
from coverslip.results.labels.seen import Seen, doubted, note_seen, with_seen, without_seen
from coverslip.results.labels.target import Target
from coverslip.results.labels.without_data import notes_on, with_rule
from coverslip.samples.opening.absorbed import Absorbed
from coverslip.samples.opening.fields import SheetFields
from coverslip.samples.sheets.sheet import names_one_image
from coverslip.work.asked import Asked
from coverslip.work.crew import Piece, Trade, Workers, crew, device_names
from coverslip.work.memory import Footprint
from coverslip.work.unfinished import Parts, Work, stopped_after

FOOTPRINT = Footprint(largest=1024, per_pixel=100)
"""Explaining a part takes about so many bytes for each of its pixels."""

_FILE_ENDINGS = (".tif", ".tiff", ".zarr", ".h5ad", ".csv", ".parquet", ".png", ".npy", ".html", ".geojson")
_AT_ONCE = 2048
"""Side of the parts of a large image that objects are measured in, pixels, without their margins."""


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Any:
    """Decompose fields; see `coverslip.predict`."""
    found = list(decompose(model, inputs, asked, options, given))
    doubted([one.source for one in found], [Seen.of(one) for one in found], options.strict)
    return one_or_all(found, inputs)


def decompose(
    model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Iterator[Decomposition]:
    """Decompose one field after the other.

    Yields
    ------
    Decomposition
        In the order of the inputs, with provenance.
    """
    rivals = load_rivals(model, options.rivals)
    how = {**model.facts.get("input", {}), **with_rule(asked, options.nodata).input}
    opened = model.open(inputs, **how)
    record = prediction_record(model, inputs, opened, given, how, rivals)
    found = model.implementation.predict(model, opened, device=asked.device, rivals=rivals, **given)
    for i in range(len(opened)):
        with about(opened.name(i)):
            decomposition = next(found)
        yield replace(decomposition, provenance={**record, **decomposition.provenance})


def segment(model: Model, inputs: Any, device: str = "auto") -> Iterator[LabelMap]:
    """The flat labels of one field after the other."""
    for whole in decompose(model, inputs, Asked(device=device), Predict(), {}):
        yield LabelMap(whole.labels, whole.source, whole.pixel_size, whole.provenance, zoom=whole.zoom)


def load_rivals(model: Model, rivals: Sequence[Model | str | Path]) -> list[Model]:
    """Load the models that compete with another one.

    Raises
    ------
    InputError
        If one is of another method, or there is no such model.
    """
    others = [loaded(rival) for rival in rivals]
    for given, rival in zip(rivals, others, strict=True):
        if rival.method != model.method:
            name = "A rival" if isinstance(given, Model) else f"The rival {given}"
            raise InputError(
                f"{name} is a model of the method '{rival.method}', which cannot compete with one of '{model.method}'; "
                "leave it out."
            )
    return others


@dataclass(frozen=True)
class _Part:
    """What else is to be known of an image: the side of the parts it is searched in, and where these are kept."""

    side: int
    kept: Kept


def _make(model: Model, device: str, options: Mapping[str, Any]) -> Any:
    rest = {name: value for name, value in options.items() if name != "rivals"}
    return model.implementation.Decomposer(model, device=device, rivals=load_rivals(model, options["rivals"]), **rest)


def _explain(decomposer: Any, fields: Fields, rows: tuple[int, ...], part: _Part) -> Decomposition:
    (index,) = rows
    with about(fields.name(index)):
        found: Decomposition = decomposer(fields, index, part.kept, part.side)
    return found


TRADE = Trade(_make, _explain)
"""Fitted models that explain images, and what they do with one."""


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Decompose images and write a folder; see `coverslip.verbs.predict.predict_to_file`."""
    asked = with_rule(asked, options.nodata)
    target = _target(inputs, out)
    with held(target.path):
        return _placed(target, model, inputs, asked, options, given)


def _placed(
    target: Target, model: Model, inputs: str | Path, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    rivals, how = load_rivals(model, options.rivals), model.how(asked.input)
    weights = [rival.provenance.get("weights_sha256") for rival in rivals]
    there = target.check(asked.resume, asked.force)
    wanted = asked_of(model, inputs, how, options, given, rivals=weights)
    if there:
        return finished(target.path, wanted)
    if asked.dask is None:
        device_names(asked.device, asked.devices)  # before the first image is opened
    fields: SheetFields = model.open_usable(inputs, **asked.input)
    refuse_own(target.path, [*fields.sheet.sources(), *([model.folder] if model.folder else [])])
    with_rivals = {"rivals": tuple(str(rival.folder) for rival in rivals), **given}
    with crew(TRADE, model, fields, asked, with_rivals, FOOTPRINT) as gathered:
        work = Work(target.work)
        # Another version may cut images into other parts.
        begun = {**wanted, "version": __version__, "max_ram": asked.max_ram}
        facts = work.begin(begun, {"side": gathered.side}, resume=asked.resume)
        record = prediction_record(model, inputs, fields, given, how, rivals, wanted)
        decomposing = _Decomposing(fields, target, work, record, facts["side"], asked.dask is None, options.strict)
        with work.until_done():
            objects = decomposing.run(gathered.workers)
    theirs = [name for name in FILES[1:] if name in fields.sheet.columns]
    called = ", ".join(f"source_{name}" for name in theirs)
    kept = (f"The sheet's own columns {', '.join(theirs)} are called {called} in the result.",) if theirs else ()
    notes = (*fields.sheet.notes, *kept, *notes_on(decomposing.nodata), *decomposing.notes)
    return Written(target.path, said_of(objects, len(fields)), notes=notes)


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
        fields: SheetFields,
        target: Target,
        work: Work,
        record: Mapping[str, Any],
        side: int,
        here: bool,
        strict: bool,
    ) -> None:
        self.fields, self.target, self.work, self.record = fields, target, work, record
        self.side, self.here, self.strict = side, here, strict
        self.nodata: dict[str, tuple[float, ...]] = {}
        sheet = fields.sheet
        self.rows = plan_decomposition_rows(sheet.rows, sheet.folder, target.path, sheet.numbers)
        self.images = [
            work.pending(row["mask"].removesuffix(".labels.tif"), Path(fields.image(i).source), sheet.part(i), [])
            for i, row in enumerate(self.rows)
        ]

    def run(self, workers: Workers) -> int:
        """Do what is left, write the result, and say how many objects there are."""
        left = [index for index, image in enumerate(self.images) if not image.finished]
        if left:
            self._decompose(left, workers)
        parted = [without_seen(self.work.table(image.name)) for image in self.images]
        tables = [_apart(table) for table, _ in parted]
        told = "diameter" in self.record.get("options", {})
        self.notes = note_seen(
            self.rows, [objects for objects, _ in tables], [seen for _, seen in parted], self.strict, told
        )
        files = {row[column] for row in self.rows for column in ("mask", *FILES)}
        place_folder(
            self.work.result,
            self.target.path,
            files,
            lambda: finish_decomposition_folder(self.work.result, self.rows, tables, self.record),
        )
        return sum(len(objects["label"]) for objects, _ in tables)

    def _decompose(self, left: Sequence[int], workers: Workers) -> None:
        line = task("Decomposing", len(self.images))
        stop = threading.Event()
        before = len(self.images) - len(left)

        def pieces() -> Iterator[Piece]:
            for place, index in enumerate(left, before):
                parts = self.work.parts(self.images[index])
                kept = _UntilStopped(parts, stop, place, len(self.images)) if self.here else parts
                yield Piece((index,), _Part(self.side, kept))

        found = workers.found(pieces())
        line.advance(before)
        with stop_on_signal(stop), closing(line), closing(found):
            for done, index in enumerate(left, before + 1):
                decomposition: Decomposition = next(found)
                if "nodata" in decomposition.provenance:
                    self.nodata[self.fields.name(index)] = tuple(decomposition.provenance["nodata"])
                self._write(index, decomposition)
                explained = decomposition.rounds["explained"]
                share = f", {explained[-1]:.0%} explained" if len(explained) else ""
                line.advance(1, f"{number_of(len(decomposition), 'object')}{share} in the last")
                if stop.is_set() and done < len(self.images):
                    raise stopped_after(done, len(self.images))

    def _write(self, index: int, decomposition: Decomposition) -> None:
        def pixels(region: Region) -> np.ndarray:
            return self.fields.pixels(index, region)

        name = self.images[index].name
        found = replace(decomposition, source=str(Path(self.fields.name(index)).absolute()))
        table = measured(found, pixels, self.fields.channels_of(index))
        adding_up = Absorbed(self.fields) if found.absorbed else self.fields
        # Light adds up in one channel.
        tables = write_decomposition(
            found, lambda region: adding_up.pixels(index, region)[0], self.work.result, name, table, self.record
        )
        self.work.finish(self.images[index], with_seen(_together(*tables), Seen.of(decomposition)))


class _UntilStopped:
    """The parts of an image on disk; once one is there, a request to stop is heard."""

    def __init__(self, parts: Parts, stop: threading.Event, whole: int, total: int) -> None:
        self._parts, self._stop, self._whole, self._total = parts, stop, whole, total

    def get(self, part: int) -> Mapping[str, np.ndarray] | None:
        return self._parts.get(part)

    def put(self, part: int, arrays: Mapping[str, np.ndarray]) -> None:
        self._parts.put(part, arrays)
        if self._stop.is_set():
            raise stopped_after(self._whole, self._total, f" and {number_of(self._parts.done, 'part')} of the next")


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
