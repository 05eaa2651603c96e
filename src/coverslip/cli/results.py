"""What is done with results: measured, made again, shown, named, and written in the forms of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.cli.flags import flagged
from coverslip.cli.options import Force, Out, read_channels

Result = Annotated[
    Path, typer.Argument(help="A result of predict: .h5ad, a table of classes, a folder of labels, a label image.")
]


@flagged("evaluate")
def evaluate(
    result: Result,
    truth: Annotated[
        Path | None,
        typer.Argument(help="A sheet with the truth, a folder of masks or a mask; default: what the result names."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the table here (.csv or .parquet).")] = None,
    per_image: Annotated[Path | None, typer.Option(help="Labels: write the measures of each image here.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Embeddings: folder of the images, if it has moved since.")
    ] = None,
    force: Force = False,
    seed: Annotated[int, typer.Option(help="Decides folds and resampling.")] = 0,
    *,
    options: dict[str, Any],
) -> None:
    """Measure a result, with intervals: embeddings beside baselines, labels object by object."""
    from coverslip.cli.tables import print_rows
    from coverslip.verbs.evaluate import evaluate_file

    measured = evaluate_file(
        result, truth, images=images, out=out, per_image=per_image, force=force, seed=seed, options=options
    )
    print_rows(measured.rows)
    for line in [*measured.notes, *(f"Table: {path}" for path in (out, per_image) if path is not None)]:
        typer.echo(f"\n{line}")


@flagged("measure")
def measure(
    labels: Annotated[
        Path, typer.Argument(help="A folder of labels, a sheet with masks, a folder of label images, or one of them.")
    ],
    images: Annotated[
        Path | None, typer.Argument(help="Their images: a folder, a sheet, one image; default: those the labels name.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A .csv or .parquet; default: the table of the result, else named after LABELS."
        ),
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="Channels to measure, by name or number; default: as predicted, or all.")
    ] = None,
    planes: Annotated[str | None, typer.Option(help="Focal planes, as for fit; default: as predicted.")] = None,
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Measure the objects of labels anew: place, size, shape and intensities, with rings and grown cells if wanted.

    Labels may be corrected by hand, or of another program. The columns are those of predict; --ring adds
    <channel>_ring_mean and so on, --grow <channel>_cell_mean.
    """
    from coverslip.cli.tables import print_notes
    from coverslip.verbs.measure import measure_to_file

    written = measure_to_file(
        labels, images, out, force=force, channels=read_channels(channels), planes=planes, options=options
    )
    typer.echo(f"{written.said}: {written.path}")
    print_notes(written.notes)


@flagged("refine")
def refine(
    result: Annotated[Path, typer.Argument(help="What predict wrote: a folder of labels, or a label image.")],
    *,
    options: dict[str, Any],
) -> None:
    """Make the objects of a result again with other settings, from the maps kept with it; no network is run.

    Its labels and its table of objects are replaced. What is not given is as it was when it was predicted.
    """
    from coverslip.cli.tables import print_notes
    from coverslip.verbs.refine import refine as refined

    written = refined(result, options)
    typer.echo(f"{written.said}: {written.path}")
    print_notes(written.notes)


@flagged("report")
def report(
    result: Result,
    out: Out,
    model: Annotated[Path | None, typer.Option(help="The model, if it has moved since.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if it has moved since.")] = None,
    first_epoch: Annotated[int, typer.Option(help="Loss curves from this epoch on.")] = 1,
    figures: Annotated[Path | None, typer.Option(help="Write every figure as a PNG into this folder too.")] = None,
    title: Annotated[str, typer.Option(help="Title of the page; default: Cells, or Segmentation.")] = "",
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Make one self-contained page to look at."""
    from coverslip.verbs.report import write_report

    write_report(
        result,
        out,
        model=model,
        images=images,
        first_epoch=first_epoch,
        figures_folder=figures,
        title=title,
        force=force,
        **options,
    )
    typer.echo(f"Open {out} in a browser.")


@flagged("label")
def label(
    named: Annotated[
        Path, typer.Argument(help="Whose clusters were named: the result of the page, or a model with clusters.")
    ],
    cells: Annotated[
        Path, typer.Argument(help="What to label: that result, or other cells embedded by the same model.")
    ],
    names: Annotated[Path, typer.Argument(help="The JSON that the page exports.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="A .parquet, a .csv (a sample sheet), or an .h5ad (the result with labels)."),
    ] = Path("labels.parquet"),
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Turn names of clusters into labels of cells, with how sure each is."""
    from coverslip.cli.tables import print_notes
    from coverslip.verbs.label import label as write

    written = write(named, cells, names, out, force=force, options=options)
    typer.echo(f"{written.said}: {written.path}")
    print_notes(written.notes)
    if out.suffix.lower() == ".parquet":
        typer.echo(f"Next: coverslip fit probe {out} --out probe")


@flagged("export")
def export(
    result: Annotated[
        Path, typer.Argument(help="A folder of labels, a .labels.tif, or an OME-Zarr with labels; or a model.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write; default: beside the result, named after it.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if it has moved since.")] = None,
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write a result, or a model, in the form of another program.

    Several forms may be asked for at once.
    """
    from coverslip.verbs.export import export as write

    for file in write(result, out, images=images, force=force, **options):
        typer.echo(f"Wrote {file.path}")
        for note in file.notes:
            typer.echo(f"  {note}")


@flagged("decode")
def decode(
    result: Annotated[Path, typer.Argument(help="A compressed slide, .cslip.zarr.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to, .ome.tif, or a folder for DICOM; default: named after the result."),
    ] = None,
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write the pixels of a compressed slide as a pyramidal OME-TIFF, for QuPath and other viewers, or as DICOM."""
    from coverslip.cli.tables import print_notes
    from coverslip.verbs.decode import decode as write

    written = write(result, out, force=force, **options)
    typer.echo(f"{written.said}: {written.path}")
    print_notes(written.notes)
