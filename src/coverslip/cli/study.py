"""`coverslip study`: many fits, one table, one figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.cli.options import Device, Out, parse_value, read_settings, split_setting
from coverslip.core.errors import InputError

study_app = typer.Typer(help="Many fits, one table, one figure.", no_args_is_help=True, rich_markup_mode=None)


@study_app.callback()
def _studies() -> None:
    pass


@study_app.command(
    epilog="Example: coverslip study sweep vae crops/ --over beta=0.1,0.5,1,4 --over latent=2,10,20 --out study"
)
def sweep(
    method: Annotated[str, typer.Argument(help="A method; 'coverslip methods' lists them.")],
    samples: Annotated[Path, typer.Argument(help="A sample sheet (CSV) or a folder of images.")],
    over: Annotated[list[str], typer.Option(metavar="KEY=A,B,C", help="A setting and its values; may be repeated.")],
    out: Out,
    config: Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be repeated.")
    ] = None,
    restarts: Annotated[int, typer.Option(help="Fits of each combination, with different seeds.")] = 1,
    label: Annotated[
        str, typer.Option(help="Column for a linear probe of each fit, where the sheet has it.")
    ] = "label",
    device: Device = "auto",
) -> None:
    """Fit every combination of some settings.

    A second run goes on where the first stopped. Losses that are weighted by a swept setting, such as beta, do not
    compare; the terms of the loss do.
    """
    from coverslip.cli.tables import print_rows
    from coverslip.study.sweep import run_sweep

    rows = run_sweep(
        method,
        samples,
        read_values(over),
        out,
        settings=read_settings(config, settings),
        restarts=restarts,
        label=label,
        device=device,
    )
    print_rows(rows)
    typer.echo(f"\nTable: {out / 'sweep.csv'}   Figure: {out / 'sweep.png'}   Models: {out / 'fits'}")


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
