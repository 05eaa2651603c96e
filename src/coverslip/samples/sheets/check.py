"""Look through a sheet and its files before hours are spent on them; say all that is wrong, sentence by sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from coverslip.core import track
from coverslip.samples.opening.channels import places
from coverslip.samples.sheets.inspection import FileFacts, inspect_image, inspect_mask
from coverslip.samples.sheets.leaks import check_columns
from coverslip.samples.sheets.problems import Problem
from coverslip.samples.sheets.rows import in_threads, unsaid
from coverslip.samples.sheets.sheet import Sheet, read_sheet

SMALLEST = 8
"""The fewest rows and columns of an image that methods can work with."""


@dataclass(frozen=True)
class Report:
    """What `check_sheet` found.

    Parameters
    ----------
    problems : tuple of Problem
        Errors first; within them in the order of the rows.
    summary : dict
        What the sheet holds, JSON-able: number of rows and files, shapes, axes, dtypes, pixel sizes, channels,
        columns, and how many rows have each label and split.
    """

    problems: tuple[Problem, ...]
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error (there may be warnings)."""
        return not self.errors

    @property
    def errors(self) -> list[Problem]:
        """Problems that must be mended."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """Problems that may be meant so."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    def lines(self, most: int = 5) -> list[str]:
        """The problems as lines of text; of each kind the first `most`, then how many more there are."""
        lines = []
        kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
        for problem in self.problems:
            kinds[problem.severity, problem.kind].append(problem)
        for (severity, kind), problems in kinds.items():
            lines += [f"{severity}: {problem.text}" for problem in problems[:most]]
            if len(problems) > most:
                lines.append(f"{severity}: … and {len(problems) - most} more of this kind ({kind}).")
        return lines


def check_sheet(sheet: Sheet | str | Path, *, deep: bool = True) -> Report:
    """Check a sheet, its images and its masks.

    Parameters
    ----------
    sheet : Sheet or path
        A sheet, its CSV, a folder of images, or one image.
    deep : bool
        Read the pixels too (of images above 1 GB, a grid of windows): finds damage inside the files, NaN and infinite
        values, constant, saturated and identical images, and masks that are empty or of another shape.

    Returns
    -------
    Report

    Notes
    -----
    Errors: files that are missing, empty, cut short, or no images; axes that are unclear or differ; sizes that
    differ (where there are no masks to crop by), channels and dtypes that differ; images below 8 x 8 pixels; NaN;
    constant images; channels of other names; masks of another shape; samples listed twice; groups, or copies of an
    image, in more than one split. Warnings: saturated or identical images, empty masks, masks that don't number their
    objects, pixel sizes that differ, channels in another order, rows without a label, plates in more than one split
    where groups are stated, and what of a folder was left out or has no pair.

    Raises
    ------
    InputError
        If the sheet itself cannot be read.
    """
    sheet = sheet if isinstance(sheet, Sheet) else read_sheet(sheet)
    problems = [
        Problem("warning", "left out" if note.startswith("Left out") else "folder", note) for note in sheet.notes
    ]
    problems += check_columns(sheet)
    images = _inspect(sheet, "image", deep, problems)
    _inspect(sheet, "source", deep, problems)
    _inspect_masks(sheet, images, deep, problems)
    problems += _uneven(sheet, images)
    problems += _names(sheet, images)
    problems += _copies(sheet, images)
    problems.sort(key=lambda problem: problem.severity)  # "error" before "warning", else in the order found
    return Report(tuple(problems), _summary(sheet, images))


def _inspect(sheet: Sheet, column: str, deep: bool, problems: list[Problem]) -> dict[int, FileFacts]:
    """Facts about the image of each row; rows that name one image of one file share them. Errors go into `problems`."""
    if not sheet.has(column):
        return {}
    rows: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for i, text in enumerate(sheet.column(column)):
        if text:
            rows[text, sheet.series(i)].append(i)
    groups = list(rows.values())
    results = in_threads(lambda rows: inspect_image(sheet, rows, column, deep), groups)
    facts: dict[int, FileFacts] = {}
    for group, found in zip(groups, track(results, f"Checking {column} files", len(groups)), strict=True):
        problems += found.problems
        if found.image is not None:
            facts |= dict.fromkeys(group, found)
            problems += too_small(sheet, group[0], found)
            if column == "image" and (text := unsaid(sheet, group[0], found.image)):
                problems.append(Problem("warning", "several images", text, sheet.numbers[group[0]]))
    return facts


def too_small(sheet: Sheet, i: int, facts: FileFacts) -> Iterator[Problem]:
    """Whether an image is below the smallest size that methods can work with."""
    image = facts.image
    if image is not None and min(image.height, image.width) < SMALLEST:
        yield Problem.at(
            sheet,
            i,
            "too small",
            f"{image.source} is {image.height} x {image.width} pixels, but at least {SMALLEST} x {SMALLEST} are "
            "needed; leave it out.",
        )


def _inspect_masks(sheet: Sheet, images: dict[int, FileFacts], deep: bool, problems: list[Problem]) -> None:
    if not sheet.has("mask"):
        if "mask" in sheet.columns and sheet.path is not None:
            text = f"{sheet.path} has a column 'mask' that is empty in all rows; fill it in, or delete it."
            problems.append(Problem("warning", "no mask", text))
        return
    rows = [i for i in images if sheet.rows[i]["mask"]]
    results = in_threads(lambda i: inspect_mask(sheet, i, images[i].image, deep), rows)
    for found in track(results, "Checking masks", len(rows)):
        problems += found
    for i, row in enumerate(sheet.rows):
        if not row["mask"]:
            problems.append(
                Problem.at(sheet, i, "no mask", f"{row['image']} has no mask, others have; name one or delete the row.")
            )


def _uneven(sheet: Sheet, images: dict[int, FileFacts]) -> Iterator[Problem]:
    """Images that differ from most of the others."""
    sizes = "samples need one size (classify resizes them): crop them with coverslip samples crop, or leave these out"
    features: list[tuple[str, Literal["error", "warning"], str, dict[int, str]]] = [
        ("axes", "error", "say which axis is which, or leave the image out", {i: f.axes for i, f in images.items()}),
        ("channels", "error", "samples need the same channels", {i: f.channels for i, f in images.items()}),
        ("dtype", "error", "grey values would not compare: convert alike", {i: f.dtype for i, f in images.items()}),
        ("pixel size", "warning", "objects would differ in scale", {i: f.pixel_size for i, f in images.items()}),
    ]
    if not sheet.has("mask"):
        features.insert(2, ("size", "error", sizes, {i: f.size for i, f in images.items()}))
    told: set[int] = set()
    for name, severity, remedy, values in features:
        counts = Counter(values.values())
        if len(counts) < 2:
            continue
        usual = counts.most_common(1)[0][0]
        for i, value in values.items():
            if value != usual and i not in told:
                told.add(i)  # one sentence per image: the rest follows from it
                source = images[i].source
                text = f"{source} has {name} {value}, most images have {usual}; {remedy}."
                yield Problem.at(sheet, i, f"mixed {name}", text, severity)


def _names(sheet: Sheet, images: dict[int, FileFacts]) -> Iterator[Problem]:
    """Images that name as many channels as the first that names any, but otherwise."""
    named = {i: f.image.channels for i, f in images.items() if f.image is not None and f.image.channels}
    first = next(iter(named), None)
    told = set()
    for i, names in named.items():
        usual = named[first] if first is not None else ()
        source = images[i].source
        if names == usual or len(names) != len(usual) or source in told:
            continue
        told.add(source)
        text = f"{source} has the channels {', '.join(names)}, {images[first or 0].source} has {', '.join(usual)}; "
        if places(names, usual):
            text += "they are taken by name, wherever they are."
            yield Problem.at(sheet, i, "order of channels", text, "warning")
        elif len(names) == 1:
            text += "is that another stain?"
            yield Problem.at(sheet, i, "names of channels", text, "warning")
        else:
            text += "name alike what is alike, choose with --channels those that all have, or leave the image out."
            yield Problem.at(sheet, i, "names of channels", text)


def _copies(sheet: Sheet, images: dict[int, FileFacts]) -> Iterator[Problem]:
    """Different files with identical pixels."""
    first: dict[str, int] = {}
    for i, facts in images.items():
        if not facts.digest:
            continue
        earlier = first.setdefault(facts.digest, i)
        if images[earlier].source != facts.source:
            same = f"{facts.source} holds the same pixels as {images[earlier].source}"
            parts = [sheet.rows[row].get("split", "") for row in (earlier, i)]
            if all(parts) and parts[0] != parts[1]:
                text = f"{same}, but lies in {parts[1]}, that in {parts[0]}: held-out results flatter; leave one out."
                yield Problem.at(sheet, i, "copy in two splits", text)
            else:
                yield Problem.at(sheet, i, "identical images", f"{same}; is one a copy? Leave one out.", "warning")


def _summary(sheet: Sheet, images: dict[int, FileFacts]) -> dict[str, Any]:
    def counts(values: Any) -> dict[str, int]:
        return dict(Counter(values).most_common())

    facts = images.values()
    summary: dict[str, Any] = {
        "images": len(sheet),
        "files": len(set(sheet.column("image"))),
        "readable": len(images),
        "shapes": counts(f"{f.axes} {f.shape}" for f in facts),
        "dtypes": counts(f.dtype for f in facts),
        "axes": counts(f.axes for f in facts),
        "pixel_sizes": counts(f.pixel_size for f in facts),
        "channels": counts(", ".join(f.image.channels) or f.channels for f in facts if f.image),
        "columns": list(sheet.columns),
    }
    for column, name in (("label", "labels"), ("split", "splits")):
        if sheet.has(column):
            summary[name] = counts(text or "(empty)" for text in sheet.column(column))
    for column in ("group", "plate"):
        if sheet.has(column):
            summary[f"{column}s"] = len({text for text in sheet.column(column) if text})
    return summary
