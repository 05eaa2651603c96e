"""The commands that draw images whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force, Out, read_settings
from coverslip.core.words import number_of


def phantom(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet of fluorescence images with a column 'mask'.")],
    out: Out,
    overlap: Annotated[
        str, typer.Option(help="Shares of the smaller object that the other covers; phantoms have these in turn.")
    ] = "0,0.2,0.4,0.6",
    count: Annotated[
        int | None, typer.Option(help="Number of phantoms; default: one for each field, and for each overlap at least.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of objects in each phantom.")] = 20,
    singles: Annotated[int, typer.Option(help="Further objects in each, alone.")] = 0,
    size: Annotated[str | None, typer.Option(help="Height x width: 512x640; default: those of the fields.")] = None,
    channel: Annotated[str, typer.Option(help="Channel to take, by name or number from 0.")] = "0",
    min_area: Annotated[float, typer.Option(help="Leave out smaller objects, pixels.")] = 100,
    split: Annotated[str | None, typer.Option(help="Take fields of this part only: train, val or test.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same phantoms.")] = 0,
    force: Force = False,
) -> None:
    """Make images whose overlaps and whole masks are known.

    Real objects that nothing disturbs are cut out and added onto real background in pairs. Writes each image with
    flat labels and layers of whole masks, a sheet, and a table of all objects.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.cli.tables import print_next
    from coverslip.core.errors import InputError
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import phantom_sheet, read_sheet

    refuse_existing(out, force)
    try:
        levels = [float(part) for part in overlap.split(",")]
    except ValueError:
        raise InputError(f"'{overlap}' is not a list of shares; write 0,0.2,0.4,0.6.") from None
    made = phantom_sheet(
        read_sheet(sheet),
        out,
        count=count,
        overlap=levels,
        pairs=pairs,
        singles=singles,
        size=None if size is None else parse_size(size),
        channel=channel,
        min_area=min_area,
        split=split,
        seed=seed,
        overwrite=force,
    )
    objects = sum(int(text) for text in made.column("objects"))
    typer.echo(f"{number_of(len(made), 'phantom')} with {number_of(objects, 'object')}: {out}")
    print_next("coverslip", "predict", "nuclei-fluo-kaizen", out)


def phantom_sections(
    out: Out,
    config: Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as sections=8.")
    ] = None,
    force: Force = False,
) -> None:
    """Draw sections of mouse testis whose cells, stages and markers are known.

    Writes images, annotations of cells and of tubules, sheets to fit to, and a table of the truth.
    """
    from coverslip.cli.tables import print_next
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import SectionSettings
    from coverslip.samples import phantom_sections as drawn

    chosen = SectionSettings.parse(read_settings(config, settings))
    refuse_existing(out, force)
    drawn(out, chosen, overwrite=force)
    typer.echo(f"{number_of(chosen.sections, 'section')} of {chosen.size} x {chosen.size} pixels: {out}")
    print_next("coverslip", "fit", "section", out / "cells.csv", "--channels", "DAPI")
