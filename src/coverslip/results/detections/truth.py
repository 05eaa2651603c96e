"""The marked objects that belong to detections: found by image, or by order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from coverslip.core import Detections, InputError, Marks
from coverslip.core.words import number_of
from coverslip.io.marks.reading import check_alone, read_marks
from coverslip.io.meant import Meant
from coverslip.io.paths import resolve_path, split_part
from coverslip.results.detections.folder import DetectionFolder, read_detections
from coverslip.samples.opening.fields import open_fields
from coverslip.samples.opening.marked import marks_of, mended
from coverslip.samples.sheets.annotated import has_twins
from coverslip.samples.sheets.sheet import Sheet, read_sheet
from coverslip.samples.sheets.splits import group_codes, split_word, usual_groups


@dataclass(frozen=True)
class Judged:
    """Detections beside the truth.

    Parameters
    ----------
    found, true
        Of each image.
    rows : list of mapping
        The rows of the sheet.
    places : list of int
        Which images of the result these are.
    notes : tuple of str
        What was left out.
    """

    found: list[Detections]
    true: list[Marks]
    rows: list[Mapping[str, str]]
    places: list[int]
    notes: tuple[str, ...] = ()

    def classes(self) -> tuple[str, ...]:
        """The classes of the result.

        Raises
        ------
        InputError
            If something else is marked.
        """
        known = self.found[0].classes
        for found, true in zip(self.found, self.true, strict=True):
            other = sorted(set(map(str, true.names)) - set(known))
            if other:
                raise InputError(
                    f"{found.source}: '{other[0]}' is marked, but the model knows {', '.join(known)}; give truth with "
                    "its classes, or rename them in the annotation."
                )
        return known

    def groups(self, named: str | None) -> tuple[np.ndarray, str | None]:
        """Which images are resampled together, and the column that says so."""
        columns = {name: np.array([row.get(name, "") for row in self.rows], object) for name in self.rows[0]}
        by = named or usual_groups(columns)
        if named is not None and named not in columns:
            raise InputError(f"There is no column '{named}' to group by; name one of {', '.join(columns)}.")
        if by is None:
            return np.arange(len(self.rows)), None
        return group_codes(columns[by]), by


def judged(result: Any, truth: Any, *, split: str | None, partial: bool, bad: Literal["refuse", "drop"]) -> Judged:
    """Put the truth beside detections.

    Parameters
    ----------
    result : DetectionFolder, Detections, list of these, str or Path
        What was found.
    truth : optional
        A sheet with annotations (or a folder with these beside the images), matched by image; a single file of marks,
        for a single image; `Marks` or a list of these, by order. Default: what the result's sheet names.
    split, partial, bad
        See the options.

    Raises
    ------
    InputError
        If they do not belong together, or nothing is marked.
    """
    known = _judged(result, truth, split, partial, bad)
    if not any(map(len, known.true)):
        raise InputError(
            f"The truth marks no object in any of the {len(known.true)} images, so nothing can be measured; see that "
            "its files name the images as they are called."
        )
    return known


def _judged(result: Any, truth: Any, split: str | None, partial: bool, bad: Literal["refuse", "drop"]) -> Judged:
    if isinstance(result, str | Path):
        result = read_detections(result)
    some = detections_of(result)
    rows: list[Mapping[str, str]] = (
        list(result.rows) if isinstance(result, DetectionFolder) else [{"image": one.source} for one in some]
    )
    if isinstance(truth, Marks):
        truth = [truth]
    if isinstance(truth, list | tuple):
        if len(truth) != len(some):
            raise InputError(f"The result has {number_of(len(some), 'image')}, but there are marks of {len(truth)}.")
        return Judged(some, list(truth), rows, list(range(len(some))))
    if truth is None:
        return _own(result, some, rows, split, bad)
    if (
        not isinstance(truth, Sheet)
        and Path(truth).suffix.lower() in (".xml", ".geojson", ".json", ".csv")
        and not _is_sheet(truth)
    ):
        check_alone(truth, len(some))
        true = [_marked(Path(truth), one, bad) for one in some]
        return Judged(some, true, rows, list(range(len(some))))
    return _of_sheet(some, rows, truth if isinstance(truth, Sheet) else read_sheet(truth), split, partial, bad)


def detections_of(result: Any) -> list[Detections]:
    """The detections of each image of a result, or of its folder."""
    if isinstance(result, str | Path):
        result = read_detections(result)
    if isinstance(result, DetectionFolder):
        return result.found
    return [result] if isinstance(result, Detections) else list(result)


def _is_sheet(path: str | Path) -> bool:
    if Path(path).suffix.lower() != ".csv" or not Path(path).is_file():
        return False
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        names = {name.strip().strip('"').lower() for name in stream.readline().replace(";", ",").split(",")}
    return "image" in names and bool(names & {"annotation", "points", "mask"})


def _own(result: Any, some: Sequence[Detections], rows: list[Mapping[str, str]], split: str | None, bad: Any) -> Judged:
    kept = [i for i, row in enumerate(rows) if _is_of(row, split)]
    named = [i for i in kept if rows[i].get("source_annotation")]
    if not isinstance(result, DetectionFolder) or not named:
        raise InputError(
            "The result does not say where the truth is (no column 'source_annotation'); give a sheet with the column "
            "'annotation', or a file of marks."
        )
    true = []
    for i in named:
        file = resolve_path(result.path, rows[i]["source_annotation"])
        true.append(_marked(file, some[i], bad, has_twins(rows, i, ("source_annotation",))))
    bare = number_of(len(kept) - len(named), "image without annotation is", "images without annotation are")
    notes = (f"{bare} left out.",) if len(named) < len(kept) else ()
    return Judged([some[i] for i in named], true, [rows[i] for i in named], named, notes)


def _is_of(row: Mapping[str, str], split: str | None) -> bool:
    return split is None or split_word(row.get("split", "")) == split_word(split)


def _marked(file: Path, one: Detections, bad: Literal["refuse", "drop"], twins: bool = False) -> Marks:
    return mended(read_marks(file, split_part(one.source)[0], one.size, twins), one.size, str(file), bad)


def _of_sheet(
    some: Sequence[Detections],
    rows: list[Mapping[str, str]],
    sheet: Sheet,
    split: str | None,
    partial: bool,
    bad: Any,
) -> Judged:
    if split is not None:
        sheet = sheet.subset([i for i, row in enumerate(sheet.rows) if _is_of(row, split)])
        if not len(sheet):
            raise InputError(f"No row of {sheet.name} has the split '{split}'.")
    fields = open_fields(sheet)
    images = [f"{sheet.file(k)} {sheet.part(k)}".rstrip() for k in range(len(sheet))]
    of_image = _results_of(some, images)
    missing = next((k for k, i in enumerate(of_image) if i is None), None)
    if missing is not None and not partial:
        raise InputError(
            f"{sheet.where(missing)}: there is no result of {images[missing]}; predict it too, or leave it out with "
            "--partial."
        )
    pairs = [(i, k) for k, i in enumerate(of_image) if i is not None]
    if not pairs:
        raise InputError(f"No image of {sheet.name} is among those of the result.")
    true = [marks_of(fields, k, bad=bad) for _, k in pairs]
    facts: list[Mapping[str, str]] = [{**rows[i], **sheet.rows[k]} for i, k in pairs]
    without = {"truth has no result": len(images) - len(pairs)}
    without |= {"result has no truth": len(some) - len(pairs)} if split is None else {}
    notes = tuple(f"Left out {number_of(n, 'image')} whose {what}." for what, n in without.items() if n)
    return Judged([some[i] for i, _ in pairs], true, facts, [i for i, _ in pairs], notes)


def _results_of(some: Sequence[Detections], images: Sequence[str]) -> list[int | None]:
    """The result of each image: by its file; of images that have moved, by name among the results that are left."""
    place = {Path(one.source).resolve(): i for i, one in enumerate(some)}
    found = [place.get(Path(image).resolve()) for image in images]
    left = sorted(set(range(len(some))) - set(found))
    told = [split_part(some[i].source) for i in left]
    named = Meant([file for file, _ in told])
    taken: dict[int, str] = {}
    for k, image in enumerate(images):
        if found[k] is not None:
            continue
        file, part = split_part(image)
        same = [left[at] for at in named.by(file) if told[at][1] == part]
        if len(same) > 1 or (same and same[0] in taken):
            other = taken.get(same[0], some[same[-1]].source)
            raise InputError(f"It is unclear which result is of {image}: {other} is called so too; mend the paths.")
        if same:
            found[k], taken[same[0]] = same[0], image
    return found
