"""The verb describe: what a model says of each object of labels, written into their table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ArraySamples, Image, InputError, LabelMap, Samples, Written, about, beside, track
from coverslip.core.columns import own_name
from coverslip.core.words import number_of
from coverslip.figures.colours import category_colours
from coverslip.io.atomic import atomic_path, free_place, refuse_own
from coverslip.io.tables import write_table
from coverslip.io.tags import PROVENANCE, provenance_of
from coverslip.results.labels.folder import CLASS, LabelFolder
from coverslip.results.labels.measuring import labels_to_measure, own_place, replace_own
from coverslip.results.labels.objects import Table, input_of, joined, measured, written_tables
from coverslip.results.labels.placing import draw_again
from coverslip.samples.cutting.crops import crop_objects
from coverslip.samples.opening.channels import Channels
from coverslip.samples.opening.planes import Planes

Describe = Callable[[Samples], Mapping[str, np.ndarray]]
"""From crops, one around each object, to columns with a row for each."""


def describe(
    labels: str | Path,
    out: str | Path | None,
    force: bool,
    describe: Describe,
    shape: tuple[int, int],
    how: Mapping[str, Any],
    cut: Mapping[str, Any],
    record: Mapping[str, Any],
) -> Written:
    """Cut a crop around each object, ask what it is, and write the answers into the table of objects.

    Parameters
    ----------
    labels : str or Path
        A result, with the images it is of.
    out : str or Path, optional
        Another table to write, ``.csv`` or ``.parquet``; default: that of the result.
    force : bool
        Replace that.
    describe : callable
        See `Describe`.
    shape : (int, int)
        Height and width of the crops.
    how : mapping
        ``channels``, ``planes`` and ``expected``, as for `coverslip.samples.open_samples`.
    cut : mapping
        ``neighbours`` and ``fill``, as for `coverslip.samples.crop_objects`.
    record : mapping
        What answered, for the provenance.

    Raises
    ------
    InputError
        If an image is missing, or lacks a channel.
    """
    found = labels_to_measure(labels)
    own = own_place(found) if out is None else None
    if out is not None:
        refuse_own(free_place(out, (".csv", ".parquet"), force), found.files())
    elif own is None:
        raise InputError(f"{labels} has no table of its own for its objects; name one with --out objects.csv.")
    before = _told_before(found)
    tables: list[Table] = []
    names: set[str] = set()
    for i, table in enumerate(track(written_tables(found), "Describing objects")):
        with about(found.where(i)):
            whole, ours = _described(found, i, table, describe, shape, how, cut, before)
            tables.append(whole)
            names |= ours
    if own is None:
        path = write_table(joined(found, tables), Path(str(out)))
    else:
        path = own
        replace_own(found, tables, path)
        _note(found, {**record, "columns": sorted(names)})
        _draw_classes(found, tables, names)
    objects = sum(len(table["label"]) for table in tables)
    said = f"{number_of(objects, 'object')} in {number_of(len(found), 'image')}"
    return Written(path if own is None else found.path, said, joined(found, tables))


def _described(
    found: LabelFolder,
    index: int,
    table: Table | None,
    describe: Describe,
    shape: tuple[int, int],
    how: Mapping[str, Any],
    cut: Mapping[str, Any],
    before: set[str],
) -> tuple[Table, set[str]]:
    """The table of an image with the answers in place of earlier ones, and what these are called in it."""
    labels, image = found.labels(index), found.image(index)
    if table is None:
        table = measured(labels, image, input_of(found))
    if not len(table["label"]):
        return table, set()
    samples, numbers = _crops(labels, image, shape, how, cut)
    answers = describe(samples)
    place = {int(number): row for row, number in enumerate(numbers)}
    rows = [place[int(label)] for label in table["label"]]
    ours = {name: np.asarray(column)[rows] for name, column in answers.items()}
    replaced = before or (set(ours) if set(ours) <= set(table) else set())
    theirs = {name: column for name, column in table.items() if name not in replaced}
    whole = beside(theirs, ours)
    return whole, set(whole) - set(theirs)


def _crops(
    labels: LabelMap, image: Image, shape: tuple[int, int], how: Mapping[str, Any], cut: Mapping[str, Any]
) -> tuple[Samples, np.ndarray]:
    planes = Planes.parse(how.get("planes", "channels"))
    names, count = planes.names(image), planes.shape(image)[0]
    pick = list(Channels(how.get("channels"), how.get("expected", ())).of(names, count, image.source))
    crops, facts = crop_objects(image, labels.labels, shape, planes=how.get("planes", "channels"), **cut)
    chosen = tuple(names[i] for i in pick) if names else ()
    return ArraySamples(crops[:, pick], {"object": facts["object"].tolist()}, chosen), facts["object"]


def _draw_classes(found: LabelFolder, tables: list[Table], names: set[str]) -> None:
    """Draw the outlines of each image in the colours of the classes that were told, where there are such pictures."""
    ours = next((name for name in (own_name(CLASS, names), CLASS) if name in names), None)
    if ours is None:
        return
    told = [np.asarray(table.get(ours, ()), object) for table in tables]
    known = sorted({str(name) for column in told for name in column if name})
    colours = dict(zip(known, category_colours(len(known)), strict=True))
    for i, (table, column) in enumerate(zip(tables, told, strict=True)):
        classes = {name: (colour, np.asarray(table["label"])[column == name]) for name, colour in colours.items()}
        draw_again(found, i, found.labels(i).labels, classes)


def _told_before(found: LabelFolder) -> set[str]:
    """The columns that a model wrote into the table of a folder the last time; another one's answers replace them."""
    record = provenance_of(found.path).get("described_by") if found.path.is_dir() else None
    columns = record.get("columns") if isinstance(record, dict) else None
    return set(map(str, columns)) if isinstance(columns, list) else set()


def _note(found: LabelFolder, record: Mapping[str, Any]) -> None:
    """Say in the provenance of a folder what described its objects."""
    file = found.folder / PROVENANCE
    if not (found.path.is_dir() and file.is_file()):
        return
    with suppress(ValueError):
        facts = json.loads(file.read_text(encoding="utf-8"))
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps({**facts, "described_by": dict(record)}, indent=2), encoding="utf-8")
