"""What the columns of a sheet say that cannot be meant: doubles, leaks between splits, gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from coverslip.core import InputError
from coverslip.core.words import number_of, word_for
from coverslip.samples.sheets.problems import Problem, Severity
from coverslip.samples.sheets.sheet import Sheet
from coverslip.samples.sheets.splits import split_word


def check_columns(sheet: Sheet) -> Iterator[Problem]:
    """Problems that show without opening an image."""
    yield from _twice(sheet)
    splits = {}
    for i, text in enumerate(sheet.column("split") if sheet.has("split") else []):
        try:
            splits[i] = split_word(text)
        except InputError as error:
            yield Problem.at(sheet, i, "unknown split", str(error))
    if splits:
        yield from _gaps(sheet, "split", "they are used for nothing; fill it in")
        has_groups = sheet.has("group")
        if has_groups:
            yield from _leaks(sheet, "group", splits, "error")
        # Where groups are stated they are what must stay together, and a plate may be divided on purpose.
        if sheet.has("plate"):
            yield from _leaks(sheet, "plate", splits, "warning" if has_groups else "error")
    if sheet.has("day"):
        from coverslip.core.days import read_days

        try:
            read_days(sheet.column("day"))
        except InputError as error:
            yield Problem("warning", "unclear day", f"{sheet.name}: {error}")
    if sheet.has("label"):
        yield from _gaps(sheet, "label", "they take no part in what needs labels; fill it in where it is known")


def _twice(sheet: Sheet) -> Iterator[Problem]:
    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(sheet.rows):
        earlier = first.setdefault((str(sheet.file(i)), sheet.part(i)), i)
        if earlier != i:
            before = f"row {sheet.numbers[earlier]}" if sheet.path else "the list"
            text = f"{row['image']} is listed already in {before}; delete one of the two."
            yield Problem.at(sheet, i, "listed twice", text)


def _gaps(sheet: Sheet, column: str, consequence: str) -> Iterator[Problem]:
    empty = [i for i, text in enumerate(sheet.column(column)) if not text]
    if empty:
        text = (
            f"{len(empty)} of {number_of(len(sheet), 'row')} {word_for(len(empty), 'has', 'have')} an empty "
            f"'{column}' (this is the first); {consequence}."
        )
        yield Problem.at(sheet, empty[0], f"no {column}", text, "warning")


def _leaks(sheet: Sheet, column: str, splits: dict[int, str], severity: Severity) -> Iterator[Problem]:
    seen: dict[str, dict[str, int]] = defaultdict(dict)
    for i, word in splits.items():
        name = sheet.rows[i][column]
        if name and word:
            seen[name].setdefault(word, i)
    for name, rows in seen.items():
        if len(rows) > 1:
            places = " and ".join(f"{word} (row {sheet.numbers[i]})" for word, i in rows.items())
            text = (
                f"{sheet.name}: {column} '{name}' lies in {places}, so that results on held-out images would flatter; "
                f"give all of it one split, or make new splits by {column}."
            )
            yield Problem(severity, f"{column} in two splits", text, sheet.numbers[max(rows.values())])
