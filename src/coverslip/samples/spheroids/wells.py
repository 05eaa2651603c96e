"""Plates and wells of a sheet: what was done to each, what lies at the edge, which days belong together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from coverslip.core import InputError
from coverslip.core.days import day_words, read_days
from coverslip.core.words import number_of
from coverslip.io.cells import read_cells

_WELL = re.compile(r"^([A-Pa-p])0*(\d{1,2})$")
_SHOWN = 4


def well_name(text: str) -> str:
    """``"b3"`` and ``"B03"`` as ``"B03"``.

    Raises
    ------
    InputError
        If it is no well of a plate of 384 or fewer.
    """
    found = _WELL.match(text.strip())
    if found is None or not 1 <= int(found[2]) <= 24:
        raise InputError(f"'{text}' is no well; wells are called A1 to P24.")
    return f"{found[1].upper()}{int(found[2]):02d}"


def at_edge(wells: Sequence[str]) -> list[bool]:
    """Which wells lie at the edge of their plate: of 96 wells, or of 384 where one has such a name."""
    large = any(well[0] > "H" or int(well[1:]) > 12 for well in wells)
    rows, columns = ("AP", (1, 24)) if large else ("AH", (1, 12))
    return [well[0] in rows or int(well[1:]) in columns for well in wells]


def read_layout(path: str | Path) -> dict[tuple[str, str], dict[str, str]]:
    """What was done to each well.

    Parameters
    ----------
    path : str or Path
        A CSV with a column ``well``; ``plate`` (without it, the same for all plates), ``treatment`` (of several
        drugs: ``"a + b"``), ``concentration`` (``"1 + 0.5"``), ``label`` and others.

    Raises
    ------
    InputError
        If a well has two rows, or drugs and concentrations differ in number.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist; give a CSV that says what was done to each well.")
    cells = read_cells(Path(path))
    if "well" not in cells.columns:
        raise InputError(f"{path}: a layout has a column 'well'; it has: {', '.join(cells.columns)}.")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for number, row in zip(cells.numbers, cells.rows, strict=True):
        place = (row.get("plate", ""), well_name(row["well"]))
        if place in found:
            raise InputError(f"{path}, row {number}: the well {' '.join(filter(None, place))} has a row already.")
        drugs, doses = (len(row.get(name, "").split("+")) for name in ("treatment", "concentration"))
        if "concentration" in row and drugs != doses and row["concentration"]:
            raise InputError(
                f"{path}, row {number}: {number_of(drugs, 'drug')} ('{row['treatment']}') and "
                f"{number_of(doses, 'concentration')} ('{row['concentration']}'); give each its own, divided by '+'."
            )
        found[place] = {name: value for name, value in row.items() if name not in ("plate", "well")}
    return found


def pairs(places: Sequence[tuple[str, str]], days: Sequence[str], names: Sequence[str]) -> tuple[list[int], list[str]]:
    """For each image of the last day the one of the first day in the same well.

    Parameters
    ----------
    places : sequence of (str, str)
        Plate and well of each image; "" where that is unknown.
    days : sequence of str
        As `coverslip.core.days.read_days` reads them.
    names : sequence of str
        What the images are called in notes.

    Returns
    -------
    before : list of int
        The row; -1 where there is none, and for other days.
    notes : list of str
        What has no pair, and what is there twice.
    """
    values = read_days(days)
    words = day_words(days, values)
    known = sorted(words)
    by_place: dict[tuple[str, str, float], list[int]] = defaultdict(list)
    times = [value if value == value else float("-inf") for value in values.tolist()]  # what is not said is one day
    for i, (place, day) in enumerate(zip(places, times, strict=True)):
        if place[1]:
            by_place[(*place, day)].append(i)
    notes = []
    twice = [rows for rows in by_place.values() if len(rows) > 1]
    if twice:
        images = few([names[i] for rows in twice for i in rows])
        wells = number_of(len(twice), "well has", "wells have")
        notes.append(
            f"{wells} several images of one day: {images}; all are kept, and the first of the first day counts for "
            "pairs."
        )
    before = [-1] * len(days)
    if len(known) < 2:
        return before, notes
    first, last = known[0], known[-1]
    alone: dict[float, list[int]] = {first: [], last: []}
    for i, (place, day) in enumerate(zip(places, times, strict=True)):
        other = {last: first, first: last}.get(day)
        if other is None or not place[1]:
            continue
        match = by_place.get((*place, other))
        if match is None:
            alone[day].append(i)
        elif day == last:
            before[i] = match[0]
    for day, other in ((last, first), (first, last)):
        if alone[day]:
            have = number_of(len(alone[day]), "image")
            have += f" of day {words[day]} {'has' if len(alone[day]) == 1 else 'have'} none of day {words[other]}"
            notes.append(f"{have}: {few([names[i] for i in alone[day]])}.")
    return before, notes


def few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
