"""What commands of studies share: their options, how lists are read, how findings are printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.options import parse_value, read_channels, split_setting
from coverslip.core import InputError

if TYPE_CHECKING:
    from coverslip.study.findings import Findings

SegmentingMethod = Annotated[str, typer.Argument(help="A method that finds objects, such as unet.")]
MaskedSheet = Annotated[Path, typer.Argument(help="A sample sheet with a column 'mask', or a folder of both.")]
Restarts = Annotated[int, typer.Option(help="Fits of each kind, with different seeds.")]
Steps = Annotated[
    int | None, typer.Option(help="Optimiser steps of each fit; default: what the epochs of the largest fit take.")
]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Otsu and watershed on the same fields, for comparison.")
]
UndividedGroup = Annotated[
    str | None, typer.Option(help="Column whose groups are never divided; default: group, plate or source_image.")
]
KeepModels = Annotated[bool, typer.Option("--keep-models/--no-keep-models", help="Keep the model of each fit.")]
Over = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=A,B,C", help="A setting and its values, each compared with the first; may be repeated."),
]
Channels = Annotated[str | None, typer.Option(help="Channels to use, by name or number: 0,2")]
Domain = Annotated[str | None, typer.Option(help="Column of domains, each measured on its own too.")]
Planes = Annotated[str, typer.Option(help="Focal planes: channels, max, sharpest, sharpest3, or a number.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]


def read_numbers(text: str, option: str) -> list[int]:
    """Read ``"1,2,4"``.

    Raises
    ------
    InputError
        If a part is no whole number.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"'{text}' is no list of whole numbers; write {option} 1,2,4.")
    return [int(part) for part in parts]


def inputs_of(
    method: str, samples: list[Path], given: dict[str, Any], channels: str | None, planes: str
) -> tuple[Any, dict[str, Any]]:
    """What a study of classes is of, and what is left to be said of how it is opened."""
    from coverslip.verbs.fit import one_or_joined

    how: dict[str, Any] = {"channels": read_channels(channels), "planes": planes}
    inputs = one_or_joined(method, samples, given, **how)
    return inputs, how if len(samples) == 1 else {}


def print_findings(findings: Findings, out: Path, figure: str) -> None:
    rows = [{key: shown(value) for key, value in row.items()} for row in findings.table]
    print_rows_and_notes(rows, findings, out, out / "table.csv", figure)


def print_rows_and_notes(
    rows: list[dict[str, Any]], findings: Findings, out: Path, table: Path | None = None, figure: str = ""
) -> None:
    from coverslip.cli.tables import print_rows

    print_rows(rows)
    typer.echo("")
    for note in findings.notes:
        typer.echo(note)
    drawn = f"   Figure: {out / figure}" if figure else ""
    typer.echo(f"\nTable: {table or out / 'summary.csv'}{drawn}   Page: {out / 'report.html'}")


def shown(value: Any) -> Any:
    """A mean without its interval, and nothing for what a row lacks."""
    return value[0] if isinstance(value, tuple) else "" if value is None else value


def read_values(over: list[str]) -> dict[str, list[Any]]:
    """Read ``["beta=0.1,1", "latent=2,10"]``.

    Raises
    ------
    InputError
        If one is not ``key=a,b,c``, or names a setting again.
    """
    values: dict[str, list[Any]] = {}
    for text in over:
        key, listed = split_setting(text, example="latent=2,10,20")
        if key in values:
            raise InputError(f"'{key}' is given twice; list all of its values in one --over {key}=A,B,C.")
        parts = [part.strip() for part in listed.split(",")]
        if "" in parts:
            raise InputError(f"'{text}' lists an empty value; write it like {key}=A,B,C.")
        values[key] = [parse_value(part) for part in parts]
    return values
