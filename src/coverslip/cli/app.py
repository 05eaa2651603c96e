"""The verbs every method shares. Each imports what it needs when it runs, so that `--help` starts at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.cli.flags import flagged
from coverslip.cli.index import index, search
from coverslip.cli.options import ConfigFile, Device, Force, Out, PixelSize, Settings, read_channels, read_settings
from coverslip.cli.samples import samples_app
from coverslip.cli.study import study_app

app = typer.Typer(
    name="coverslip",
    help="Learn from microscopy images with few labels or none.",
    epilog="Start with: coverslip demo. What a method needs: coverslip methods vae.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(samples_app, name="samples")
app.add_typer(study_app, name="study")


def _print_version(wanted: bool) -> None:
    if wanted:
        from coverslip import __version__

        typer.echo(f"coverslip {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: coverslip fit vae crops/ --out model --set latent=10 --set epochs=50")
def fit(
    method: Annotated[str, typer.Argument(help="A method; 'coverslip methods' lists them.")],
    samples: Annotated[
        list[Path],
        typer.Argument(help="A sample sheet (CSV) or a folder of images; for classify several, brought to size=N."),
    ],
    out: Out,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set seed=N.")] = None,
    channels: Annotated[str | None, typer.Option(help="Channels to use, by name or number: 0,2")] = None,
    planes: Annotated[
        str, typer.Option(help="Focal planes: channels, max, sharpest, sharpest3, or a number.")
    ] = "channels",
    nodata: Annotated[
        str | None, typer.Option(help="Grey value of pixels that hold no image, none or auto; where objects are found.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a fit that was stopped or killed.")] = False,
    force: Force = False,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="Devices on each machine.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines, when started with torchrun.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    max_ram: Annotated[
        str | None, typer.Option(help="Memory the fit may take, such as 8GB; samples beyond it stay on disk.")
    ] = None,
) -> None:
    """Fit a method and write a model folder."""
    from coverslip import methods, results
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.core import nodata_rule
    from coverslip.core.memory import parse_bytes
    from coverslip.train.run import Run, is_main_process
    from coverslip.verbs.fit import fit_to_folder, one_or_joined

    given = read_settings(config, settings, seed)
    run = Run(
        resume=resume,
        device=device,
        devices=devices,
        nodes=nodes,
        precision=precision,
        max_ram=None if max_ram is None else parse_bytes(max_ram),
    )
    how: dict[str, Any] = {"channels": read_channels(channels), "planes": planes}
    model = fit_to_folder(
        method,
        one_or_joined(method, samples, given, **how),
        out,
        given,
        run=run,
        force=force,
        **how,
        nodata=None if nodata is None else nodata_rule(nodata),
    )
    if not is_main_process():
        return
    if model is None:
        typer.echo(f"{out} is already finished; use --force to fit it again.")
        return
    last = model.history[-1] if model.history else {}
    losses = ", ".join(f"{name} {last[name]:.4g}" for name in ("loss", "val_loss") if name in last)
    trained = f" in {_number(len(model.history), 'epoch')} ({losses})" if model.history else ""
    typer.echo(f"Fitted {method}{trained}; the model is in {out}.")
    if "said" in model.facts:
        typer.echo(model.facts["said"])
    print_notes(model.warnings)
    ending = results.get(methods.get(method).CARD.gives).endings[0]
    print_next("coverslip", "predict", out, samples[0], *(["--out", f"cells{ending}"] if ending else []))


@app.command(epilog="Example: coverslip predict nuclei-fluo image.tif")
@flagged("predict")
def predict(
    model: Annotated[Path, typer.Argument(help="A model folder, or a name that 'coverslip models' lists.")],
    inputs: Annotated[Path, typer.Argument(help="An image, a folder, a sheet; for a classifier labels too.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to: .h5ad; for classes .parquet or .csv; for labels a folder, .labels.tif or .zarr; for "
            "decompositions a folder. Default: named after INPUTS.",
        ),
    ] = None,
    device: Device = "auto",
    channels: Annotated[
        str | None, typer.Option(help="Channels to use, by name or number; default: those of the fit.")
    ] = None,
    planes: Annotated[str | None, typer.Option(help="Focal planes, as for fit; default: those of the fit.")] = None,
    series: Annotated[
        str | None,
        typer.Option(help="Of files that hold several images take this one, by number or name; default: all."),
    ] = None,
    frames: Annotated[str | None, typer.Option(help="Frames of movies: all, or every=5.")] = None,
    pixel_size: PixelSize = None,
    devices: Annotated[int, typer.Option(help="How many devices; of a processor, how much at once.")] = 1,
    dask: Annotated[str | None, typer.Option(help="Work on a Dask cluster, tcp://… or local.")] = None,
    max_ram: Annotated[
        str | None, typer.Option(help="Memory it may take, such as 3GB; large images are cut to fit.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was stopped or killed.")] = False,
    force: Force = False,
    *,
    options: dict[str, Any],
) -> None:
    """Apply a model: embeddings as .h5ad for scanpy, classes as a table, labels or decompositions with objects.

    Options of the method and of what it gives are set with --set; 'coverslip methods NAME' lists them.
    """
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.core.memory import parse_bytes
    from coverslip.verbs.predict import predict_to_file
    from coverslip.work.asked import Asked

    opened = {
        "channels": read_channels(channels),
        "planes": planes,
        "series": series,
        "frames": frames,
        "pixel_size": pixel_size,
    }
    asked = Asked(
        device=device,
        devices=devices,
        dask=dask,
        max_ram=None if max_ram is None else parse_bytes(max_ram),
        input={name: value for name, value in opened.items() if value is not None},
        resume=resume,
        force=force,
    )
    written = predict_to_file(model, inputs, out, asked=asked, options=options)
    if written.finished_before:
        typer.echo(f"{written.path} is already finished; use --force to make it again.")
        print_notes(written.notes)
        return
    typer.echo(f"{written.said}: {written.path}")
    print_notes(written.notes)
    print_next("coverslip", "report", written.path, "--out", "report.html")


Result = Annotated[
    Path, typer.Argument(help="A result of predict: .h5ad, a table of classes, a folder of labels, a label image.")
]


@app.command(epilog="Example: coverslip evaluate labels/ sheet.csv --split val --per-image images.csv")
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


@app.command(epilog="Example: coverslip measure masks/ images/ --ring 5 --out objects.csv")
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


@app.command(epilog="Example: coverslip refine labels/ --alpha 0.6 --threshold 0.45")
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


@app.command(epilog="Example: coverslip report labels --truth sheet.csv --out report.html")
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


@app.command(epilog="Example: coverslip label cells.h5ad cells.h5ad names.json --out labels.parquet")
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


@app.command(epilog="Example: coverslip export labels --geojson --classification Nucleus")
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


@app.command(epilog="Example: coverslip decode slide.cslip.zarr --out slide.ome.tif")
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


app.command(epilog="Example: coverslip index cells.index plate1.h5ad plate2.h5ad")(index)
app.command(epilog="Example: coverslip search cells.index new.h5ad --apart patient --out hits.html")(search)


@app.command(epilog="Example: coverslip methods vae --size 140x140 --channels 2 --preset mp4")
def methods(
    name: Annotated[str | None, typer.Argument(help="A method; without one they are listed.")] = None,
    size: Annotated[str | None, typer.Option(help="Image size, height x width: prints the layers.")] = None,
    channels: Annotated[int, typer.Option(help="Channels of the image.")] = 1,
    preset: Annotated[str | None, typer.Option(help="Short for --set preset=NAME.")] = None,
    settings: Settings = None,
) -> None:
    """List methods; print a card or a layer table."""
    from coverslip.cli import cards

    if name is None:
        cards.list_methods()
    elif size is None:
        cards.print_card(name)
    else:
        cards.print_layers(name, size, channels, [*(settings or []), *([f"preset={preset}"] if preset else [])])


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="A shipped model; without one they are listed.")] = None,
) -> None:
    """List the models that come with Coverslip; print the card of one."""
    from coverslip.cli import cards

    if name is None:
        cards.list_models()
    else:
        cards.print_model(name)


@app.command()
def doctor() -> None:
    """Say what works here and what is missing."""
    from coverslip.cli.doctor import examine

    raise typer.Exit(examine())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything it makes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
) -> None:
    """Embed the nuclei of a real image, with a report.

    Finds, crops, embeds and clusters the nuclei of the immunohistochemistry field that scikit-image ships; takes
    about two minutes.
    """
    from coverslip.demo import run_demo

    page = run_demo(out, seed=seed)
    typer.echo(f"Open {page} in a browser.")


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("s" if count != 1 else "")
