"""Many slides into a folder of stores: one after the other here, or shared out on a Dask cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coverslip.core import CoverslipError, Fields, InputError, Stopped, Written, track
from coverslip.io.listing import bare_name
from coverslip.io.paths import split_part
from coverslip.io.tags import PROVENANCE
from coverslip.models.folder import Model
from coverslip.models.record import prediction_record
from coverslip.results.slide_store.folder import ENDING
from coverslip.results.slide_store.options import Predict
from coverslip.results.slide_store.prediction import compress
from coverslip.samples.opening.fields import SheetFields
from coverslip.work.asked import Asked
from coverslip.work.crew import Piece, Trade, crew, workers_here


@dataclass(frozen=True)
class _Order:
    """A slide to compress: where it came from, where its store goes, and how."""

    source: Path
    out: Path
    asked: Asked
    options: Predict


def _make(model: Model, device: str, options: Mapping[str, Any]) -> Model:
    return model


def _compress(model: Model, fields: Fields, rows: tuple[int, ...], order: _Order) -> Written | str:
    """The store of a slide, or what is wrong with it."""
    (index,) = rows
    try:
        return compress(model, fields, index, order.source, order.out, order.asked, order.options)
    except CoverslipError as error:
        if isinstance(error, Stopped):
            raise
        return str(error)


TRADE = Trade(_make, _compress)
"""A codec, and what it does with a slide."""


def compress_all(
    model: Model, fields: Fields, source: Path, out: str | Path | None, asked: Asked, options: Predict
) -> Written:
    """Compress several slides; one that cannot be used stops no other.

    Raises
    ------
    InputError
        If the folder holds something else, or no slide can be used.
    """
    folder = Path(out or f"{source.stem}-stores")
    if folder.name.lower().endswith(ENDING):
        raise InputError(
            f"{source} holds {len(fields)} slides, which become a folder of stores; name it without {ENDING}."
        )
    if folder.exists() and any(folder.iterdir()) and not (asked.force or asked.resume):
        raise InputError(f"{folder} already holds something; say --resume to go on, or --force to make it again.")
    if options.keep_roi is not None and not options.keep_roi.is_dir():
        raise InputError(
            f"{source} holds {len(fields)} slides; put a GeoJSON for each, called as the slide, into a folder, and "
            f"name that in place of {options.keep_roi}."
        )
    names = [bare_name(split_part(fields.name(i))[0]) for i in range(len(fields))]
    own = [name if names.count(name) == 1 else f"{name}-{i + 1}" for i, name in enumerate(names)]
    orders = _orders(source, [folder / f"{name}{ENDING}" for name in own], asked, options)
    notes, before, done = list(fields.sheet.notes) if isinstance(fields, SheetFields) else [], 0, 0
    with _found(model, fields, orders, asked) as found:
        for i, written in enumerate(found):
            if isinstance(written, str):
                notes.append(f"{fields.name(i)} is left out: {written}")
                continue
            before, done = before + written.finished_before, done + 1
            notes += [f"{own[i]}: {note}" for note in written.notes]
    if not done:
        raise InputError(notes[0])
    if before < done:
        record = prediction_record(model, source, fields)
        (folder / PROVENANCE).write_text(json.dumps(record, indent=2), encoding="utf-8")
    said = f"Compressed {done} of {len(fields)} slides"
    return Written(folder, said, finished_before=before == len(fields), notes=tuple(notes))


def _orders(source: Path, places: list[Path], asked: Asked, options: Predict) -> list[_Order]:
    if asked.dask is None:
        return [_Order(source, place, asked, options) for place in places]
    # Workers run in folders of their own.
    if options.keep_roi is not None:
        options = options.model_copy(update={"keep_roi": options.keep_roi.absolute()})
    memory = None if asked.max_ram is None else asked.max_ram // workers_here(asked)
    asked = replace(asked, dask=None, devices=1, max_ram=memory)
    return [_Order(source.absolute(), place.absolute(), asked, options) for place in places]


@contextmanager
def _found(model: Model, fields: Fields, orders: list[_Order], asked: Asked) -> Iterator[Iterator[Written | str]]:
    """What became of each slide, as they are done. Here the cores are shared by the chunks of one slide."""
    if asked.dask is None:
        yield (_compress(model, fields, (i,), order) for i, order in enumerate(orders))
        return
    with crew(TRADE, model, fields, asked, {}) as gathered:
        pieces = (Piece((i,), order) for i, order in enumerate(orders))
        yield track(gathered.workers.found(pieces), "Compressing slides", total=len(orders))
