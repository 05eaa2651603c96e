"""`coverslip export`: results and models in the forms that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force


def export(
    result: Annotated[
        Path, typer.Argument(help="A folder of labels, a .labels.tif, or an OME-Zarr with labels; or a model.")
    ],
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
    onnx: Annotated[Path | None, typer.Option(help="Write a model as an ONNX file (.onnx).")] = None,
    bioimageio: Annotated[Path | None, typer.Option(help="Write a model as a bioimage.io package (.zip).")] = None,
    example: Annotated[Path | None, typer.Option(help="Image whose middle tests and illustrates the package.")] = None,
    name: Annotated[str | None, typer.Option(help="Title of the package; default: as the model's card says.")] = None,
    author: Annotated[list[str] | None, typer.Option(help="Author of the package; may be repeated.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the package, SPDX name: CC-BY-4.0.")] = None,
    force: Force = False,
) -> None:
    """Write a result, or a model, in the form of another program.

    Several forms may be asked for at once.
    """
    from coverslip.core.errors import InputError

    wanted = {"geojson": geojson, "rois": rois, "zarr": zarr, "csv": csv}
    formats = [name for name, chosen in wanted.items() if chosen]
    if onnx is not None or bioimageio is not None:
        if formats:
            raise InputError(f"--onnx and --bioimageio are for models, --{formats[0]} is for labels; say one kind.")
        from coverslip.portable.verb import export_model

        for file in export_model(
            result,
            onnx=onnx,
            bioimageio=bioimageio,
            example=example,
            name=name,
            authors=author or (),
            licence=licence,
            force=force,
        ):
            typer.echo(f"Wrote {file.path}")
            for note in file.notes:
                typer.echo(f"  {note}")
        return
    if not formats:
        raise InputError(
            "Say in which form to export: --geojson (QuPath), --rois (Fiji), --zarr (napari) or --csv; a model: --onnx "
            "or --bioimageio FILE."
        )
    from coverslip.exporting import export_labels

    for written in export_labels(
        result, formats, out, images=images, kind=kind, classification=classification, force=force
    ):
        typer.echo(f"Wrote {written}")
