"""The studies of order: samples and treatments between known classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import ConfigFile, Force, Out, Settings, read_settings


def rank(
    vectors: Annotated[
        list[Path], typer.Argument(help="Vectors of the same samples (.h5ad), or their sheet; one or several.")
    ],
    anchors: Annotated[str, typer.Option(help="Classes in their true order: untreated,single_dose,exploded.")],
    out: Out,
    config: ConfigFile = None,
    settings: Settings = None,
    pixels: Annotated[bool, typer.Option("--pixels/--no-pixels", help="Raw pixels too, for comparison.")] = True,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if it has moved.")] = None,
    image_to_image: Annotated[
        bool, typer.Option("--image-to-image", help="Also a network that predicts the pixels of the last day; minutes.")
    ] = False,
    force: Force = False,
) -> None:
    """Rank by every strategy, representation and anchors.

    Each two of the classes are the ends of a scale in turn; all of them are what its order is measured against.
    """
    from coverslip.cli.tables import print_rows
    from coverslip.study.rankings.ranking import rank_study

    rows = rank_study(
        vectors,
        anchors.split(","),
        out,
        settings=read_settings(config, settings),
        pixels=pixels,
        images=images,
        image_to_image=image_to_image,
        force=force,
    )
    shown = ("representation", "anchors", "scale", "accuracy", "floor", "n", "c_index", "spearman")
    print_rows([{key: row.get(key, "") for key in shown} for row in rows])
    typer.echo(f"\nTable: {out / 'table.csv'}   Page: {out / 'report.html'}")


def plates(
    folder: Annotated[Path, typer.Argument(help="A folder of brightfield images of spheroids, or a sheet of them.")],
    out: Out,
    pattern: Annotated[str | None, typer.Option(help="What file names mean: '{plate}_{well}_day{day:d}.tif'.")] = None,
    layout: Annotated[
        Path | None, typer.Option(help="Table of wells: plate, well, treatment, concentration, label.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    size: Annotated[int, typer.Option(help="Side of the squares that are cut out, pixels.")] = 96,
    force: Force = False,
) -> None:
    """Rank the treatments of plates of spheroids.

    Prepares the images, fits a scale to features that people know, ranks wells and treatments, and makes the page.
    """
    from coverslip.cli.tables import print_notes
    from coverslip.study.rankings.plates import PAGE, RANKING, plate_study

    ranking, notes = plate_study(
        folder,
        out,
        pattern=pattern,
        layout=layout,
        settings=read_settings(config, settings),
        spheroids={"size": size},
        force=force,
    )
    print_notes(notes)
    typer.echo(f"{ranking.facts['verdict']}: {ranking.facts['why']}")
    typer.echo(f"Tables: {out / RANKING}   Page: {out / PAGE}")
