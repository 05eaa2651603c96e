"""`coverslip fit` and `predict`: from samples to a model, and from a model to a result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.cli.flags import flagged
from coverslip.cli.options import ConfigFile, Device, Force, Out, PixelSize, Settings, read_channels, read_settings


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
    from coverslip.core.words import number_of
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
    trained = f" in {number_of(len(model.history), 'epoch')} ({losses})" if model.history else ""
    typer.echo(f"Fitted {method}{trained}; the model is in {out}.")
    if "said" in model.facts:
        typer.echo(model.facts["said"])
    print_notes(model.warnings)
    ending = results.get(methods.get(method).CARD.gives).endings[0]
    print_next("coverslip", "predict", out, samples[0], *(["--out", f"cells{ending}"] if ending else []))


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
    if written.has_page:
        print_next("coverslip", "report", written.path, "--out", "report.html")
