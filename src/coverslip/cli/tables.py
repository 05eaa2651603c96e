"""Tables and notes on standard output: aligned in a terminal, and still readable in a pipe."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()) -> None:
    """Print rows in columns as wide as their longest cell; `right` names the columns of numbers."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(parts).rstrip()

    typer.echo(line(header))
    typer.echo("  ".join("-" * width for width in widths))
    for row in cells:
        typer.echo(line(row))


def print_prose(text: str, indent: str = "    ") -> None:
    """Print a paragraph in lines that fit the terminal, a little to the right."""
    width = min(shutil.get_terminal_size().columns, 100)
    for line in textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent):
        typer.echo(line)


def print_next(*words: object) -> None:
    """Print the command to go on with, as a shell takes it: names with blanks are quoted."""
    typer.echo(f"Next: {shlex.join(map(str, words))}")


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of records with the same keys; numbers in four significant digits."""
    if not rows:
        return
    header = list(rows[0])
    numbers = [i for i, key in enumerate(header) if any(isinstance(row[key], int | float) for row in rows)]
    print_table(header, [[_text(row[key]) for key in header] for row in rows], right=numbers)


def print_notes(notes: Iterable[str]) -> None:
    """Print what the reader should know beside the result."""
    for note in notes:
        typer.echo(f"Note: {note}")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)


def in_words(value: object) -> str:
    """Counts or a list in one line; a dash for none."""
    if isinstance(value, dict):
        return ", ".join(f"{key} ({count})" for key, count in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
