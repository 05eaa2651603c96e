"""`coverslip samples spheroids` and `phantom-plates`: plates of spheroids made ready, and phantoms of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force, Out, read_settings
from coverslip.core.words import number_of

Config = Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")]


def spheroids(
    folder: Annotated[Path, typer.Argument(help="A folder of brightfield images, or a sheet of them.")],
    out: Out,
    pattern: Annotated[str | None, typer.Option(help="What file names mean: '{plate}_{well}_day{day:d}.tif'.")] = None,
    layout: Annotated[
        Path | None, typer.Option(help="Table of wells: plate, well, treatment, concentration, label.")
    ] = None,
    config: Config = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as size=96.")
    ] = None,
    force: Force = False,
) -> None:
    """Make images of spheroids ready for learning.

    Takes the sharpest planes, crops around spheroid and debris, leaves out what is unusable, pairs the days, and
    measures features. Writes crops, a sheet, features as vectors, and pictures of what was done.
    """
    from coverslip.cli.tables import print_notes
    from coverslip.io.atomic import refuse_existing
    from coverslip.results.ranking.stages import REJECTED, STAGES, Stages
    from coverslip.samples import SpheroidSettings, prepare_spheroids

    chosen = SpheroidSettings.parse(read_settings(config, settings))
    refuse_existing(out, force)
    seen = Stages()
    sheet = prepare_spheroids(
        folder, out, chosen, pattern=pattern, layout=layout, overwrite=force, watch=seen.watch, also=seen.write
    )
    paired = sum(bool(text) for text in sheet.column("before"))
    typer.echo(f"{number_of(len(sheet), 'image')}, {paired} with one of the first day: {sheet.path}")
    print_notes(sheet.notes)
    also = f" and {out / REJECTED}" if seen.rejected else ""
    typer.echo(f"Look at {out / STAGES}{also} first. Next: coverslip fit rank {out / 'features.h5ad'} --out scale")


def phantom_plates(
    out: Out,
    config: Config = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as plates=3.")
    ] = None,
    force: Force = False,
) -> None:
    """Draw plates of spheroids whose truth is known.

    Writes images of day 7 and day 10 with 1, 3 or 5 focal planes, the layout of the plates, and the truth.
    """
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import PlateSettings
    from coverslip.samples import phantom_plates as draw
    from coverslip.samples.spheroids.phantom_plates import IMAGE_PATTERN, LAYOUT

    chosen = PlateSettings.parse(read_settings(config, settings))
    refuse_existing(out, force)
    folder = draw(out, chosen, overwrite=force)
    typer.echo(f"{number_of(chosen.plates, 'plate')}: {folder}")
    typer.echo(
        f"Next: coverslip samples spheroids {out} --pattern '{IMAGE_PATTERN}' --layout {out / LAYOUT} --out prepared"
    )
