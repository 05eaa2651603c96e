"""`coverslip export`: results in the forms that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force


def export(
    result: Annotated[Path, typer.Argument(help="A folder of labels, a .labels.tif, or an OME-Zarr with labels.")],
    geojson: Annotated[bool, typer.Option("--geojson", help="Polygons with measurements, for QuPath.")] = False,
    rois: Annotated[bool, typer.Option("--rois", help="A zip of ROIs, for ImageJ and Fiji.")] = False,
    zarr: Annotated[bool, typer.Option("--zarr", help="OME-Zarr of image and labels, for napari.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The table of objects, for spreadsheets.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write; default: beside the result, named after it.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if it has moved since.")] = None,
    kind: Annotated[str, typer.Option(help="What QuPath makes of the objects: detection or annotation.")] = "detection",
    classification: Annotated[str | None, typer.Option(help="Class of all objects in QuPath: Nucleus.")] = None,
    force: Force = False,
) -> None:
    """Write a result in the form of another program.

    Several forms may be asked for at once.
    """
    from coverslip.core.errors import InputError
    from coverslip.exporting import export_labels

    wanted = {"geojson": geojson, "rois": rois, "zarr": zarr, "csv": csv}
    formats = [name for name, chosen in wanted.items() if chosen]
    if not formats:
        raise InputError("Say in which form to export: --geojson (QuPath), --rois (Fiji), --zarr (napari) or --csv.")
    for written in export_labels(
        result, formats, out, images=images, kind=kind, classification=classification, force=force
    ):
        typer.echo(f"Wrote {written}")
