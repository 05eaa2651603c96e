"""The verbs every method shares. Each imports what it needs when it runs, so that `--help` starts at once."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.cli.export import export
from coverslip.cli.options import Device, Force, Out, read_channels, read_settings
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
    samples: Annotated[Path, typer.Argument(help="A sample sheet (CSV) or a folder of images.")],
    out: Out,
    config: Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be repeated.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set seed=N.")] = None,
    channels: Annotated[str | None, typer.Option(help="Channels to use, by name or number: 0,2")] = None,
    planes: Annotated[
        str, typer.Option(help="Focal planes: channels, max, sharpest, sharpest3, or a number.")
    ] = "channels",
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
    from coverslip import methods
    from coverslip.jobs import fit_to_folder
    from coverslip.train.run import Run, is_main_process, parse_bytes

    given = read_settings(config, settings, seed)
    run = Run(
        resume=resume,
        device=device,
        devices=devices,
        nodes=nodes,
        precision=precision,
        max_ram=None if max_ram is None else parse_bytes(max_ram),
    )
    model = fit_to_folder(
        method, samples, out, given, run=run, force=force, channels=read_channels(channels), planes=planes
    )
    if not is_main_process():
        return
    if model is None:
        typer.echo(f"{out} is already finished; use --force to fit it again.")
        return
    last = model.history[-1]
    losses = ", ".join(f"{name} {last[name]:.4g}" for name in ("loss", "val_loss") if name in last)
    typer.echo(f"Fitted {method} in {_count(model.history, 'epoch')} ({losses}); the model is in {out}.")
    for warning in model.facts.get("warnings", ()):
        typer.echo(f"Note: {warning}")
    is_embedding = methods.get(method).CARD.result == "embedding"
    typer.echo(f"Next: coverslip predict {out} {samples}" + (" --out cells.h5ad" if is_embedding else ""))


@app.command(epilog="Example: coverslip predict nuclei-fluo image.tif")
def predict(
    model: Annotated[Path, typer.Argument(help="A model folder, or a name that 'coverslip models' lists.")],
    inputs: Annotated[Path, typer.Argument(help="An image, a folder or a sample sheet.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to: .h5ad; for labels a folder, .labels.tif or .zarr; for decompositions a folder. Default: "
            "named after INPUTS.",
        ),
    ] = None,
    device: Device = "auto",
    clusters: Annotated[
        str | None, typer.Option(help="Embeddings: k-means clusters: auto (the default), a number, or 0 for none.")
    ] = None,
    probability: Annotated[
        bool, typer.Option("--probability", help="Labels: keep the foreground probability too.")
    ] = False,
    flips: Annotated[
        bool, typer.Option("--flips", help="Labels: average over four flips; slower, a little better.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Labels: foreground probability of objects; default: the model's.")
    ] = None,
    rival: Annotated[
        list[Path] | None,
        typer.Option(help="Decompositions: another model that competes for each object; may be repeated."),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Decompositions: least confidence of objects, 0 to 1; default: the model's.")
    ] = None,
    min_area: Annotated[
        int | None, typer.Option(help="Labels, decompositions: smallest object, pixels; default: the model's.")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(help="Labels, decompositions: channels to use, by name or number; default: those of the fit."),
    ] = None,
    planes: Annotated[
        str | None, typer.Option(help="Labels, decompositions: focal planes, as for fit; default: those of the fit.")
    ] = None,
    devices: Annotated[int, typer.Option(help="Labels: how many devices; of a processor, blocks at once.")] = 1,
    dask: Annotated[str | None, typer.Option(help="Labels: work on a Dask cluster, tcp://… or local.")] = None,
    max_ram: Annotated[
        str | None, typer.Option(help="Labels: memory it may take, such as 3GB; blocks are made to fit.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Labels, decompositions: go on with what was stopped or killed.")
    ] = False,
    force: Force = False,
) -> None:
    """Apply a model: embeddings as .h5ad for scanpy, labels or decompositions with a table of objects."""
    from coverslip.core.results import Embedding
    from coverslip.jobs import predict_to_file
    from coverslip.segmenting.sharing import Asked
    from coverslip.train.run import parse_bytes

    asked = Asked(
        device=device,
        devices=devices,
        dask=dask,
        max_ram=None if max_ram is None else parse_bytes(max_ram),
        probability=probability,
        input=_given(channels=read_channels(channels), planes=planes),
        method=_given(flips=flips or None, threshold=threshold, min_confidence=min_confidence, min_area=min_area),
    )
    found, path = predict_to_file(
        model, inputs, out, asked=asked, clusters=clusters, rivals=rival or (), resume=resume, force=force
    )
    if isinstance(found, Embedding):
        typer.echo(f"Embedded {_count(found, 'sample')} in {_count(found.latent[0], 'dimension')}: {path}")
    elif found.finished_before:
        typer.echo(f"{path} is already finished; use --force to make it again.")
        return
    else:
        typer.echo(f"Found {_number(found.objects, 'object')} in {_number(found.images, 'image')}: {path}")
    typer.echo(f"Next: coverslip report {path} --out report.html")


@app.command(epilog="Example: coverslip evaluate labels/ sheet.csv --split val --per-image images.csv")
def evaluate(
    result: Annotated[Path, typer.Argument(help="A result of predict: .h5ad, a folder of labels, a label image.")],
    truth: Annotated[
        Path | None,
        typer.Argument(help="A sheet with the truth, a folder of masks or a mask; default: what the result names."),
    ] = None,
    label: Annotated[str, typer.Option(help="Column that holds the classes.")] = "label",
    group: Annotated[str | None, typer.Option(help="Column whose groups are never divided, such as plate.")] = None,
    factors: Annotated[
        str | None, typer.Option(help="Columns with known factors, for disentanglement (MIG, DCI): day,area_px")
    ] = None,
    baseline: Annotated[bool, typer.Option(help="Compare with PCA of the pixels and the raw pixels.")] = True,
    split: Annotated[str | None, typer.Option(help="Labels: only images of this split, such as val.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Labels: leave out images without a result.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the table here (.csv or .parquet).")] = None,
    per_image: Annotated[Path | None, typer.Option(help="Labels: write the measures of each image here.")] = None,
    force: Force = False,
    seed: Annotated[int, typer.Option(help="Decides folds and resampling.")] = 0,
) -> None:
    """Measure a result, with intervals: embeddings beside baselines, labels object by object."""
    from coverslip.cli.tables import print_rows
    from coverslip.jobs import evaluate_file

    rows, notes = evaluate_file(
        result,
        truth,
        label=label,
        group=group,
        factors=[name.strip() for name in factors.split(",")] if factors else (),
        baseline=baseline,
        split=split,
        partial=partial,
        out=out,
        per_image=per_image,
        force=force,
        seed=seed,
    )
    print_rows(rows)
    for line in [*notes, *(f"Table: {path}" for path in (out, per_image) if path is not None)]:
        typer.echo(f"\n{line}")


@app.command(epilog="Example: coverslip report labels --truth sheet.csv --out report.html")
def report(
    result: Annotated[Path, typer.Argument(help="A result of predict: .h5ad, a folder of labels, a label image.")],
    out: Out,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Labels: a sheet with the truth, a folder of masks or a mask; default: what the result names."
        ),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Labels: leave out images without a result.")] = False,
    group: Annotated[str | None, typer.Option(help="Labels: column whose groups are compared.")] = None,
    model: Annotated[Path | None, typer.Option(help="The model, if it has moved since.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if it has moved since.")] = None,
    colour: Annotated[str | None, typer.Option(help="Embeddings: column that colours the map at first.")] = None,
    umap: Annotated[
        bool, typer.Option("--umap", help="Embeddings: add a UMAP (computed once, then kept in the result).")
    ] = False,
    first_epoch: Annotated[int, typer.Option(help="Loss curves from this epoch on.")] = 1,
    figures: Annotated[Path | None, typer.Option(help="Write every figure as a PNG into this folder too.")] = None,
    force: Force = False,
) -> None:
    """Make one self-contained page to look at."""
    from coverslip.jobs import report_to_file

    report_to_file(
        result,
        out,
        model=model,
        images=images,
        truth=truth,
        partial=partial,
        group=group,
        colour=colour,
        umap=umap,
        first_epoch=first_epoch,
        figures=figures,
        force=force,
    )
    typer.echo(f"Open {out} in a browser.")


app.command(epilog="Example: coverslip export labels --geojson --classification Nucleus")(export)


@app.command(epilog="Example: coverslip methods vae --size 140x140 --channels 2 --preset mp4")
def methods(
    name: Annotated[str | None, typer.Argument(help="A method; without one they are listed.")] = None,
    size: Annotated[str | None, typer.Option(help="Image size, height x width: prints the layers.")] = None,
    channels: Annotated[int, typer.Option(help="Channels of the image.")] = 1,
    preset: Annotated[str | None, typer.Option(help="Short for --set preset=NAME.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be repeated.")
    ] = None,
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


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _count(things: Sized, word: str) -> str:
    return _number(len(things), word)


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("s" if count != 1 else "")
