"""Print methods, cards and layer tables."""

from __future__ import annotations

import re
from typing import Any

import typer

from coverslip import methods, results
from coverslip.cli.options import read_settings
from coverslip.cli.tables import print_prose, print_table
from coverslip.core import InputError
from coverslip.models import shipped
from coverslip.verbs.options import method_options


def list_methods() -> None:
    """Name and summary of every method."""
    print_table(("method", "what it does"), [(n, methods.get(n).CARD.summary) for n in methods.names()])
    typer.echo("\nThe card of one: coverslip methods NAME")
    if shipped.names():
        typer.echo("Models that are fitted already: coverslip models")


def print_card(name: str) -> None:
    """The card and the settings of one method."""
    module = methods.get(name)
    typer.echo(module.CARD.markdown())
    typer.echo("## Settings (--set key=value)\n")
    print_table(("setting", "default", "meaning"), module.Config.describe())
    options = [*method_options(name).describe(), *results.get(module.CARD.gives).options("predict").describe()]
    if options:
        typer.echo("\n## Options of predict (--set key=value)\n")
        print_table(("option", "default", "meaning"), options)


def list_models() -> None:
    """Name, purpose, size, licence and numbers of every shipped model."""
    found = [shipped.describe(name) for name in shipped.names()]
    if not found:
        typer.echo("This version ships no models; fit one: coverslip fit METHOD SAMPLES --out MODEL")
        return
    for model in found:
        typer.echo(f"{model.name}  ({model.size / 1e6:.1f} MB, {model.licence})")
        for text in (model.summary, model.numbers):
            print_prose(text)
        typer.echo("")
    typer.echo("The card of one: coverslip models NAME")
    typer.echo("Apply one: coverslip predict NAME IMAGES --out RESULT")


def print_model(name: str) -> None:
    """The card of one shipped model."""
    typer.echo(shipped.card(name).rstrip())


def print_layers(name: str, size: str, channels: int, settings: list[str]) -> None:
    """The layers a method would have for an image size, with output shapes, mult-adds and parameters."""
    module = methods.get(name)
    if not hasattr(module, "layers"):
        raise InputError(f"The method '{name}' has no layer table.")
    height, width = parse_size(size)
    config = module.Config.parse(read_settings(None, settings))
    rows, facts = module.layers(config, (channels, height, width))
    table: list[tuple[Any, ...]] = [
        (row.kind, str([1, *row.shape[1:]]) if row.shape else "", f"{row.mult_adds:,}", f"{row.parameters:,}")
        for row in rows
    ]
    done, parameters = sum(row.mult_adds for row in rows), sum(row.parameters for row in rows)
    header = ("layer", "output shape", "mult-adds", "parameters")
    print_table(header, [*table, ("total", "", f"{done:,}", f"{parameters:,}")], right=(2, 3))
    typer.echo("")
    typer.echo(f"mult-adds: {done / 1e6:,.2f} million for one image of {channels} x {height} x {width}")
    for key, value in facts.items():
        typer.echo(f"{key}: {value}")


def parse_size(text: str) -> tuple[int, int]:
    """Read ``"140x100"`` or ``"140"`` as height and width."""
    match = re.fullmatch(r"\s*(\d+)\s*(?:[xX×]\s*(\d+))?\s*", text)
    if match is None:
        raise InputError(f"'{text}' is no image size; write height x width, such as 140x140.")
    return int(match[1]), int(match[2] or match[1])
