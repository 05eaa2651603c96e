"""The studies of settings and of representations: sweeps, depths, comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import ConfigFile, Device, Out, Settings, read_channels, read_settings
from coverslip.cli.study.options import Channels, Planes, Precision, print_findings, read_numbers, read_values, shown


def sweep(
    method: Annotated[str, typer.Argument(help="A method; 'coverslip methods' lists them.")],
    samples: Annotated[Path, typer.Argument(help="A sample sheet (CSV) or a folder of images.")],
    over: Annotated[list[str], typer.Option(metavar="KEY=A,B,C", help="A setting and its values; may be repeated.")],
    out: Out,
    config: ConfigFile = None,
    settings: Settings = None,
    restarts: Annotated[int, typer.Option(help="Fits of each combination, with different seeds.")] = 1,
    label: Annotated[
        str, typer.Option(help="Column for a linear probe of each fit, where the sheet has it.")
    ] = "label",
    first_epoch: Annotated[int, typer.Option(help="Loss curves from this epoch on.")] = 1,
    device: Device = "auto",
) -> None:
    """Fit every combination of some settings.

    A second run goes on where the first stopped. Losses that are weighted by a swept setting, such as beta, do not
    compare; the terms of the loss do. Of autoencoders the page shows the same images as each combination gives them
    back, and what each latent says.
    """
    from coverslip.cli.tables import print_notes, print_rows
    from coverslip.study.fits import fit_name
    from coverslip.study.sweeps.page import KL_OF
    from coverslip.study.sweeps.sweep import run_sweep

    varied = read_values(over)
    rows = run_sweep(
        method,
        samples,
        varied,
        out,
        settings=read_settings(config, settings),
        restarts=restarts,
        label=label,
        first_epoch=first_epoch,
        device=device,
    )
    print_rows([{k: value for k, value in row.items() if k != "note" and not k.startswith(KL_OF)} for row in rows])
    typer.echo("")
    print_notes(
        f"{fit_name({key: row[key] for key in (*varied, 'seed')})}: {row['note']}" for row in rows if row["note"]
    )
    figure = f"Figure: {out / 'sweep.png'}   " if (out / "sweep.png").exists() else ""
    typer.echo(f"Table: {out / 'sweep.csv'}   {figure}Page: {out / 'report.html'}   Models: {out / 'fits'}")


def depth(
    method: Annotated[str, typer.Argument(help="A method with a depth rule: vae.")],
    samples: Annotated[Path, typer.Argument(help="A sample sheet (CSV) or a folder of images.")],
    out: Out,
    sizes: Annotated[
        str | None, typer.Option(help="Sizes that the images are resized to: 20,40,80x60; default: as they are.")
    ] = None,
    depths: Annotated[
        str | None,
        typer.Option(help="Depths: 1,2,3,4; default: up to two more and two fewer than the rule, as a size allows."),
    ] = None,
    aspect: Annotated[
        str, typer.Option(help="Images of other proportions: same (refuse them), pad (add background) or stretch.")
    ] = "same",
    restarts: Annotated[int, typer.Option(help="Fits of each depth and size, with different seeds.")] = 3,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit networks of each depth, and say which is best and what the depth rule loses.

    Judged by the loss of the same held-out images, at each size by itself. Of several sizes the rule is fitted anew. A
    second run goes on where the first stopped.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.study.sweeps.depth import depth_study
    from coverslip.train.run import Run

    findings = depth_study(
        method,
        samples,
        out,
        sizes=None if sizes is None else [parse_size(part) for part in sizes.split(",")],
        depths=None if depths is None else read_numbers(depths, "--depths"),
        aspect=aspect,  # type: ignore[arg-type]
        restarts=restarts,
        settings=read_settings(config, settings),
        channels=read_channels(channels),
        planes=planes,
        run=Run(device=device, precision=precision),
    )
    print_findings(findings, out, "depth.png")


def compare(
    samples: Annotated[Path, typer.Argument(help="A sample sheet (CSV) or a folder of images.")],
    of: Annotated[str, typer.Option(help="vae,simclr,pca,raw (vectors of samples) or unet,kaizen,classical (objects)")],
    out: Out,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="METHOD.KEY=VALUE", help="One setting; may be repeated.")
    ] = None,
    config: ConfigFile = None,
    label: Annotated[str, typer.Option(help="Column that holds the classes, where there is one.")] = "label",
    group: Annotated[str | None, typer.Option(help="Column whose groups are never divided, such as plate.")] = None,
    restarts: Annotated[int, typer.Option(help="Fits of each method, with other seeds.")] = 1,
    sphere: Annotated[
        str | None, typer.Option(help="Measure vectors once more, sphered on these controls: 'treatment = DMSO'.")
    ] = None,
    sphere_by: Annotated[str | None, typer.Option(help="Column, such as plate, each with its own controls.")] = None,
    channels: Channels = None,
    planes: Planes = "channels",
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Compare methods on the same images: representations of samples, or objects that are found in fields.

    Of representations: probes, clusters, batches, time. Of objects: errors, AP, ROC of pixels, outlines; of all that
    are fitted each by its own settings. A second run goes on where the first stopped.
    """
    from coverslip.cli.tables import print_rows
    from coverslip.study.comparison import compare as compared
    from coverslip.train.run import Run

    findings = compared(
        samples,
        [name.strip() for name in of.split(",") if name.strip()],
        out,
        settings=read_settings(config, settings),
        label=label,
        group=group,
        restarts=restarts,
        sphere=sphere,
        sphere_by=sphere_by,
        channels=read_channels(channels),
        planes=planes,
        run=Run(device=device, precision=precision),
    )
    print_rows([{key: shown(value) for key, value in row.items()} for row in findings.table])
    typer.echo("")
    for note in findings.notes:
        typer.echo(note)
    intervals = next(out / name for name in ("measures.csv", "summary.csv") if (out / name).exists())
    typer.echo(f"\nTable: {out / 'table.csv'}   With intervals: {intervals}   Page: {out / 'report.html'}")
