"""Objects found in images of any size, tile by tile, in memory or into a folder.

The tiles of an image are kept as they are done, so that work that was stopped or killed goes on where it was, and each
image is written as soon as it is whole.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import __version__
from coverslip.core import Detections, Fields, Image, InputError, Written, about, stop_on_signal, task
from coverslip.core.words import number_of
from coverslip.figures.detections import section_jpeg
from coverslip.io.atomic import flush, refuse_existing, refuse_own, replace_folder
from coverslip.io.marks.writing import write_qupath
from coverslip.io.places import held
from coverslip.measure.detections.staging import BECAUSE, FAMILIAR, STAGING
from coverslip.models.folder import Model
from coverslip.models.record import asked_of, finished, path_of, prediction_record
from coverslip.nn.tiles import Tile
from coverslip.results.detections.folder import SHEET, finish_folder, palette, plan
from coverslip.results.detections.layers import check_layers, excluded_of, left, regions_of, staged_by_cells
from coverslip.results.detections.marked import asked_markers, with_markers
from coverslip.results.detections.options import Predict
from coverslip.samples.opening.fields import SheetFields
from coverslip.samples.opening.given import as_array
from coverslip.samples.opening.view import View
from coverslip.samples.sheets.masks import refuse_other_things
from coverslip.samples.sheets.sheet import names_one_image
from coverslip.work.asked import Asked
from coverslip.work.crew import Piece, Trade, Workers, crew, device_names
from coverslip.work.memory import Footprint
from coverslip.work.unfinished import Pending, Work, stopped_after, work_beside

_ODD, _MANY_ODD = 0.5, 0.1
"""Regions that are less alike to those of the fit are odd; from this share of them on that is said."""


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Any:
    """Find the objects of fields; see `coverslip.predict`."""
    how = model.how(asked.input)
    opened = model.open(inputs, **asked.input)
    check_layers(options.regions, options.exclude, len(opened))
    record = _recorded(model, prediction_record(model, inputs, opened, given, how))
    found = model.implementation.predict(model, opened, device=asked.device, **given)
    done = []
    for i in range(len(opened)):
        with about(opened.name(i)):
            done.append(replace(_layered(next(found), opened.image(i), options, given), provenance=record))
    path = path_of(inputs)
    single = names_one_image(path) if path is not None else isinstance(as_array(inputs), np.ndarray | Image)
    return done[0] if single and len(done) == 1 else done


def _recorded(model: Model, record: dict[str, Any]) -> dict[str, Any]:
    """The provenance of a result; regions take along how cells stage them, where their model knows it."""
    return {**record, STAGING: model.facts[STAGING]} if STAGING in model.facts else record


def _layered(found: Detections, image: Image, options: Predict, given: Mapping[str, Any]) -> Detections:
    """Detections without what is left out, with the regions that they lie in and the markers that they express."""
    found = left(found, regions_of(options.regions, found), excluded_of(options.exclude, found))
    if options.restage:
        found = staged_by_cells(found, given.get("least_share"))
    return with_markers(found, image, asked_markers(options.markers), options.marker_area)


@dataclass(frozen=True)
class _Part:
    """A tile to look at.

    Parameters
    ----------
    tile : Tile
        In pixels shown.
    view : View
        How the field is shown.
    """

    tile: Tile
    view: View


def _make(model: Model, device: str, options: Mapping[str, Any]) -> Any:
    return model.implementation.Finder(model, device=device, **options)


def _find(finder: Any, fields: Fields, rows: tuple[int, ...], part: _Part) -> dict[str, np.ndarray]:
    (index,) = rows
    with about(fields.name(index)):
        found: dict[str, np.ndarray] = finder.find(fields, index, part.tile, part.view)
    return found


TRADE = Trade(_make, _find)
"""A fitted model that finds objects, and what it does with a tile."""

FOOTPRINT = Footprint(largest=4096, per_pixel=600)
"""Tiles are as large as is asked for, up to 4,096; 600 bytes are what a pyramid of 256 channels over a trunk of width
64 takes for each pixel that it is shown."""


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Find objects and write a folder; see `coverslip.verbs.predict.predict_to_file`."""
    source = Path(inputs).resolve()
    out = Path(out or f"{source.name if source.is_dir() else source.stem}-detections")
    if out.suffix.lower() in (".geojson", ".json", ".parquet", ".csv", ".tif", ".tiff", ".h5ad", ".png", ".zarr"):
        raise InputError(
            f"'{out}' is no place for detections, which have several files: name a folder, such as "
            f"{out.name.split('.')[0]}-detections."
        )
    with held(out):
        return _placed(out, model, inputs, asked, options, given)


def _placed(
    out: Path, model: Model, inputs: str | Path, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    work = Work(work_beside(out))
    how = model.how(asked.input)
    if _there(out, work.folder, asked):
        return finished(out, asked_of(model, inputs, how, options, given))
    if asked.dask is None:
        device_names(asked.device, asked.devices)  # before the first image is opened
    asked_markers(options.markers)
    fields: SheetFields = model.open_usable(inputs, **asked.input)
    check_layers(options.regions, options.exclude, len(fields))
    refuse_own(out, [*fields.sheet.sources(), *([model.folder] if model.folder else [])])
    with crew(TRADE, model, fields, asked, given, FOOTPRINT) as gathered:
        wanted = asked_of(model, inputs, how, options, given)
        begun = {**wanted, "version": __version__}  # another one may cut images into other tiles
        # Tiles of killed work stay as they were cut, whatever memory there is now.
        facts = work.begin(begun, {"tile": min(gathered.tool.tile, gathered.side)}, resume=asked.resume)
        gathered.tool.tile = facts["tile"]
        record = prediction_record(model, inputs, fields, {**given, **options.given()}, how, asked=wanted)
        finding = _Finding(fields, out, work, gathered.tool, options, given, _recorded(model, record))
        with work.until_done():
            found = finding.run(gathered.workers)
    return Written(out, said_of(found), notes=(*fields.sheet.notes, *doubts_of(found)))


def _there(out: Path, unfinished: Path, asked: Asked) -> bool:
    """Whether the result is there already, whole; a place that is taken is refused."""
    if asked.resume and out.exists() and not unfinished.exists():
        return True
    refuse_existing(out, asked.force or (asked.resume and unfinished.exists()))
    if out.is_file():
        raise InputError(f"{out} is a file, but detections go into a folder; choose another --out.")
    refuse_other_things(out, "detections", (SHEET, "detections.parquet"))
    if unfinished.exists() and not asked.resume and not asked.force:
        raise InputError(
            f"{unfinished} holds an unfinished prediction: say --resume to go on, or --force to start over."
        )
    return False


def said_of(found: Sequence[Detections]) -> str:
    """What came of it, in words."""
    objects, images = sum(map(len, found)), len(found)
    counts = {name: sum(int((one.codes == code).sum()) for one in found) for code, name in enumerate(found[0].classes)}
    listed = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    said = f"Found {number_of(objects, 'object')} in {number_of(images, 'image')}"
    said += f": {listed}" if listed else ""
    unnamed = objects - sum(counts.values())
    return f"{said}; {unnamed:,} not staged" if unnamed else said


def doubts_of(found: Sequence[Detections]) -> tuple[str, ...]:
    """What the reader should know."""
    layers = [one.regions for one in found if one.regions is not None and BECAUSE in one.regions.columns]
    if layers and sum(map(len, layers)):
        by_cells = np.concatenate([one.named for one in layers]).mean()
        odd = (np.concatenate([one.columns[FAMILIAR] for one in layers]) < _ODD).mean()
        told = f"By the cells in them {by_cells:.0%} of the regions are staged; the others are in doubt."
        unlike = f"{odd:.0%} of the regions hold few cells, or ones unlike the fit's (familiar < {_ODD}); look there."
        return (told, unlike) if odd >= _MANY_ODD else (told,)
    share = [one.columns["share"] for one in found if "share" in one.columns]
    staged = [one.named for one in found if "share" in one.columns]
    if not share or not sum(map(len, share)):
        return ()
    return (f"{np.concatenate(staged).mean():.0%} of the regions are staged; of the others the votes disagree.",)


class _Finding:
    """One prediction while it runs."""

    def __init__(
        self,
        fields: SheetFields,
        out: Path,
        work: Work,
        finder: Any,
        options: Predict,
        given: Mapping[str, Any],
        record: Mapping[str, Any],
    ) -> None:
        self.fields, self.out, self.work, self.finder = fields, out, work, finder
        self.options, self.given, self.record = options, given, record
        sheet = fields.sheet
        self.rows = plan(sheet.rows, sheet.folder, out, sheet.numbers)
        self.views = [finder.view(fields, i) for i in range(len(fields))]
        self.tiles = [finder.tiles(fields, i, view) for i, view in enumerate(self.views)]
        self.images = [
            work.pending(Path(row["annotation"]).stem, Path(fields.image(i).source), sheet.part(i), self.tiles[i])
            for i, row in enumerate(self.rows)
        ]

    def run(self, workers: Workers) -> list[Detections]:
        """Do what is left, write the result, and give it."""
        line = task("Looking", sum(map(len, self.tiles)))
        line.advance(sum(image.done for image in self.images))
        stop = threading.Event()
        found = workers.found(self._pieces())
        whole: list[Detections] = []
        with stop_on_signal(stop), closing(line), closing(found):
            for index, image in enumerate(self.images):
                parts = self.work.parts(image)
                for number in range(len(self.tiles[index])):
                    if number < image.done:
                        continue
                    parts.put(number, next(found))
                    line.advance(1, f"{index}/{len(self.images)} images")
                    if stop.is_set() and number + 1 < len(self.tiles[index]):
                        raise stopped_after(
                            index, len(self.images), f" and {number_of(number + 1, 'tile')} of the next"
                        )
                whole.append(self._joined(index, image))
                if stop.is_set() and index + 1 < len(self.images):
                    raise stopped_after(index + 1, len(self.images))
            self._place(whole)
        return whole

    def _pieces(self) -> Iterator[Piece]:
        for index, image in enumerate(self.images):
            for tile in self.tiles[index][image.done :]:
                yield Piece((index,), _Part(tile, self.views[index]))

    def _joined(self, index: int, image: Pending) -> Detections:
        """What was found in an image; drawn and written for QuPath."""
        parts = self.work.parts(image)
        arrays = [parts.get(number) for number in range(len(self.tiles[index]))]
        found = self.finder.joined(self.fields, index, self.views[index], [part for part in arrays if part is not None])
        found = replace(_layered(found, self.fields.image(index), self.options, self.given), provenance=self.record)
        name = self.rows[index]["annotation"]
        write_qupath(found, self.work.result / name, palette(found))
        if self.options.overlay:
            picture = section_jpeg(self.fields.image(index), found, palette(found))
            (self.work.result / f"{Path(name).stem}.overlay.jpg").write_bytes(picture)
        return found

    def _place(self, found: Sequence[Detections]) -> None:
        folder = self.work.result
        if not folder.exists():  # a kill left it in its place already
            return
        finish_folder(folder, self.rows, found, self.record)
        for file in folder.iterdir():
            flush(file)
        replace_folder(folder, self.out)
