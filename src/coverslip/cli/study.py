"""`coverslip study`: many fits, one table, one figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.options import (
    ConfigFile,
    Device,
    Out,
    Settings,
    parse_value,
    read_channels,
    read_settings,
    split_setting,
)
from coverslip.cli.ranking import plates, rank
from coverslip.core import InputError

if TYPE_CHECKING:
    from coverslip.study.output import Findings

study_app = typer.Typer(help="Many fits, one table, one figure.", no_args_is_help=True, rich_markup_mode=None)


SegmentingMethod = Annotated[str, typer.Argument(help="A method that finds objects, such as unet.")]
MaskedSheet = Annotated[Path, typer.Argument(help="A sample sheet with a column 'mask', or a folder of both.")]
Restarts = Annotated[int, typer.Option(help="Fits of each kind, with different seeds.")]
Steps = Annotated[
    int | None, typer.Option(help="Optimiser steps of each fit; default: what the epochs of the largest fit take.")
]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Otsu and watershed on the same fields, for comparison.")
]
KeepModels = Annotated[bool, typer.Option("--keep-models/--no-keep-models", help="Keep the model of each fit.")]
Over = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=A,B,C", help="A setting and its values, each compared with the first; may be repeated."),
]
Channels = Annotated[str | None, typer.Option(help="Channels to use, by name or number: 0,2")]
Domain = Annotated[str | None, typer.Option(help="Column of domains, each measured on its own too.")]
Planes = Annotated[str, typer.Option(help="Focal planes: channels, max, sharpest, sharpest3, or a number.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]


@study_app.callback()
def _studies() -> None:
    pass


@study_app.command(
    epilog="Example: coverslip study sweep vae crops/ --over beta=0.1,0.5,1,4 --over latent=2,10,20 --out study"
)
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
    from coverslip.study.sweep import run_sweep
    from coverslip.study.sweep_page import KL_OF

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


@study_app.command(
    epilog="Example: coverslip study learning-curve unet fields.csv --sizes 1,2,4,8,16 --steps 2000 --out curve"
)
def learning_curve(
    method: Annotated[str, typer.Argument(help="A method that finds objects, such as unet, or classify.")],
    samples: Annotated[
        list[Path],
        typer.Argument(
            help="A sheet with a column 'mask', or of classes, or a folder; several for classify, brought to size=N."
        ),
    ],
    out: Out,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Numbers of training fields (default: 1,2,4,… and all); of a classifier labelled images per class "
            "(10,30,90, the default), shares of all images (20%,50%), or train/held out/test (20/20/60,60/20/20)."
        ),
    ] = None,
    restarts: Restarts = 3,
    group: Annotated[
        str | None,
        typer.Option(
            help="Column of groups: a curve for each alone, and for all of them pooled; of a classifier: never divided."
        ),
    ] = None,
    over: Over = None,
    domain: Domain = None,
    steps: Steps = None,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    baseline: Baseline = True,
    keep_models: KeepModels = True,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit to more and more fields: how many are enough.

    Larger training sets hold the smaller ones; every fit takes as many optimiser steps and is evaluated on the same
    held-out fields (column 'split', or a share of the fields). A second run goes on where the first stopped.
    """
    from coverslip.study.classified import classifies
    from coverslip.study.learning import learning_curve
    from coverslip.train.run import Run

    if classifies(method):
        if steps is not None:
            raise InputError("Fits of a classifier stop by their validation images: leave --steps out, set epochs.")
        from coverslip.study.labelled_images import image_curve

        given = read_settings(config, settings)
        inputs, how = _inputs(method, samples, given, channels, planes)
        findings = image_curve(
            method,
            inputs,
            out,
            sizes=[part.strip() for part in (sizes or "10,30,90").split(",")],
            restarts=restarts,
            over=read_values(over or []),
            domain=domain or ("domain" if len(samples) > 1 else None),
            settings=given,
            group=group,
            **how,
            keep_models=keep_models,
            run=Run(device=device, precision=precision),
        )
        _print_findings(findings, out, "learning-curve.png")
        return
    if over or domain:
        raise InputError("A learning curve of a method that finds objects has no --over and no --domain; leave it out.")
    if len(samples) > 1:
        raise InputError("A learning curve of a method that finds objects is of one sheet; give one.")
    findings = learning_curve(
        method,
        samples[0],
        out,
        sizes=None if sizes is None else read_numbers(sizes, "--sizes"),
        restarts=restarts,
        group=group,
        steps=steps,
        settings=read_settings(config, settings),
        channels=read_channels(channels),
        planes=planes,
        baseline=baseline,
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    _print_findings(findings, out, "learning-curve.png")


@study_app.command(
    epilog="Example: coverslip study cross-validate classify cells.csv --over network=mobincep,linear --out folds"
)
def cross_validate(
    method: Annotated[str, typer.Argument(help="A method that tells classes: classify.")],
    samples: Annotated[
        list[Path],
        typer.Argument(
            help="A sample sheet with a column of classes, or a folder of each; several are domains of one model, of "
            "any size, brought to --set size=N."
        ),
    ],
    out: Out,
    folds: Annotated[int, typer.Option(help="Parts of the images, each tested once.")] = 5,
    repeats: Annotated[int, typer.Option(help="How often the images are divided anew.")] = 1,
    over: Over = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose groups are never divided; default: group, plate or source_image.")
    ] = None,
    domain: Domain = None,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    keep_models: Annotated[
        bool, typer.Option("--keep-models/--no-keep-models", help="Keep the model of each fold.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit a classifier without each part of the images in turn, and test it on that part.

    Folds are stratified by class, and whole groups are held out. A second run goes on at the unfinished fold.
    """
    from coverslip.study.crossing import cross_validate
    from coverslip.train.run import Run

    given = read_settings(config, settings)
    inputs, how = _inputs(method, samples, given, channels, planes)
    findings = cross_validate(
        method,
        inputs,
        out,
        folds=folds,
        repeats=repeats,
        over=read_values(over or []),
        domain=domain or ("domain" if len(samples) > 1 else None),
        settings=given,
        group=group,
        **how,
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    _print_findings(findings, out, "")


@study_app.command(epilog="Example: coverslip study transfer classify ours.csv theirs.csv --set size=64 --out transfer")
def transfer(
    method: Annotated[str, typer.Argument(help="A method that tells classes: classify.")],
    samples: Annotated[
        list[Path],
        typer.Argument(help="Sheets, or folders of class folders, one of each laboratory; or one sheet and --domain."),
    ],
    out: Out,
    domain: Annotated[str | None, typer.Option(help="Column of laboratories, where one sheet holds them all.")] = None,
    folds: Annotated[int, typer.Option(help="Parts of each laboratory's images, each tested once at home.")] = 5,
    group: Annotated[
        str | None, typer.Option(help="Column whose groups are never divided; default: group, plate or source_image.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    keep_models: Annotated[
        bool, typer.Option("--keep-models/--no-keep-models", help="Keep the model of each fit.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit a classifier to the images of one laboratory, and test it on those of the others.

    Beside that stands what it reaches at home, on images it has not seen, and what a fit to all other laboratories
    reaches. A second run goes on at the unfinished fit.
    """
    from coverslip.study.transfer import transfer as transferred
    from coverslip.train.run import Run

    given = read_settings(config, settings)
    inputs, how = _inputs(method, samples, given, channels, planes)
    findings = transferred(
        method,
        inputs,
        out,
        domain=domain or ("domain" if len(samples) > 1 else "laboratory"),
        folds=folds,
        settings=given,
        group=group,
        **how,
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    _print_findings_of([{k: _shown(v) for k, v in row.items()} for row in findings.table], findings, out)


@study_app.command(epilog="Example: coverslip study shortcut cells.csv --out shortcuts")
def shortcut(
    samples: Annotated[Path, typer.Argument(help="A sample sheet with a column of classes, or a folder of each.")],
    out: Out,
    label: Annotated[str, typer.Option(help="Column of classes.")] = "label",
    group: Annotated[
        str | None, typer.Option(help="Column whose groups are never divided; default: group, plate or source_image.")
    ] = None,
    planes: Planes = "channels",
    seed: Annotated[int, typer.Option(help="Decides the folds.")] = 0,
) -> None:
    """Look whether borders, sizes, colours or files tell the classes, before a network learns them."""
    from coverslip.study.shortcut import shortcuts

    findings = shortcuts(samples, out, label=label, group=group, planes=planes, seed=seed)
    rows = [
        {"what": f["what"], "balanced accuracy": f["value"], "low": f["low"], "high": f["high"]}
        for f in findings.points
    ]
    _print_findings_of(rows, findings, out)


@study_app.command(
    epilog="Example: coverslip study leave-one-out unet fields.csv --by group --compare all,without --out left-out"
)
def leave_one_out(
    method: SegmentingMethod,
    samples: MaskedSheet,
    out: Out,
    by: Annotated[str, typer.Option(help="Column of groups; 'image' leaves out one image at a time.")] = "group",
    compare: Annotated[
        str, typer.Option(help="What a fit has seen: without (the group), all (with it), only (it alone).")
    ] = "without",
    restarts: Restarts = 3,
    steps: Steps = None,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    baseline: Baseline = True,
    keep_models: KeepModels = True,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit without each group in turn, and evaluate on it.

    A second run goes on where the first stopped.
    """
    from coverslip.study.leaving import leave_one_out
    from coverslip.train.run import Run

    findings = leave_one_out(
        method,
        samples,
        out,
        by=by,
        compare=[kind.strip() for kind in compare.split(",")],
        restarts=restarts,
        steps=steps,
        settings=read_settings(config, settings),
        channels=read_channels(channels),
        planes=planes,
        baseline=baseline,
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    _print_findings(findings, out, "leave-one-out.png")


@study_app.command(
    name="planes", epilog="Example: coverslip study planes unet tiles/ --counts 1,2,3,7 --steps 2000 --out planes"
)
def focal_planes(
    method: SegmentingMethod,
    samples: MaskedSheet,
    out: Out,
    counts: Annotated[str | None, typer.Option(help="Numbers of planes together; default: 1,2,3 and all.")] = None,
    combinations: Annotated[
        int, typer.Option(help="Fit all sets of a number of planes up to so many; else evenly spread and sharpest.")
    ] = 10,
    restarts: Restarts = 3,
    steps: Steps = None,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    keep_models: KeepModels = True,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit to each focal plane alone and to several together.

    A second run goes on where the first stopped.
    """
    from coverslip.study.planes import focal_planes
    from coverslip.train.run import Run

    findings = focal_planes(
        method,
        samples,
        out,
        counts=None if counts is None else read_numbers(counts, "--counts"),
        combinations=combinations,
        restarts=restarts,
        steps=steps,
        settings=read_settings(config, settings),
        channels=read_channels(channels),
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    _print_findings(findings, out, "planes.png")


@study_app.command(epilog="Example: coverslip study depth vae crops/ --sizes 20,40,80 --set epochs=20 --out depth")
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
    from coverslip.study.depth import depth_study
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
    _print_findings(findings, out, "depth.png")


@study_app.command(
    epilog="Example: coverslip study compare cells.csv --of vae,simclr,pca,raw --set vae.epochs=20 --out compared"
)
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
    from coverslip.study.comparing import compare as compared
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
    print_rows([{key: _shown(value) for key, value in row.items()} for row in findings.table])
    typer.echo("")
    for note in findings.notes:
        typer.echo(note)
    intervals = next(out / name for name in ("measures.csv", "summary.csv") if (out / name).exists())
    typer.echo(f"\nTable: {out / 'table.csv'}   With intervals: {intervals}   Page: {out / 'report.html'}")


study_app.command(epilog="Example: coverslip study rank features.h5ad simclr.h5ad --anchors a,b,c --out study")(rank)
study_app.command(
    epilog="Example: coverslip study plates images/ --pattern '{plate}_{well}_day{day:d}.tif' --layout layout.csv "
    "--set anchors=untreated,single_dose --out study"
)(plates)


def read_numbers(text: str, option: str) -> list[int]:
    """Read ``"1,2,4"``.

    Raises
    ------
    InputError
        If a part is no whole number.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"'{text}' is no list of whole numbers; write {option} 1,2,4.")
    return [int(part) for part in parts]


def _inputs(
    method: str, samples: list[Path], given: dict[str, Any], channels: str | None, planes: str
) -> tuple[Any, dict[str, Any]]:
    """What a study of classes is of, and what is left to be said of how it is opened."""
    from coverslip.verbs.fit import one_or_joined

    how: dict[str, Any] = {"channels": read_channels(channels), "planes": planes}
    inputs = one_or_joined(method, samples, given, **how)
    return inputs, how if len(samples) == 1 else {}


def _print_findings(findings: Findings, out: Path, figure: str) -> None:
    rows = [{key: _shown(value) for key, value in row.items()} for row in findings.table]
    _print_findings_of(rows, findings, out, out / "table.csv", figure)


def _print_findings_of(
    rows: list[dict[str, Any]], findings: Findings, out: Path, table: Path | None = None, figure: str = ""
) -> None:
    from coverslip.cli.tables import print_rows

    print_rows(rows)
    typer.echo("")
    for note in findings.notes:
        typer.echo(note)
    drawn = f"   Figure: {out / figure}" if figure else ""
    typer.echo(f"\nTable: {table or out / 'summary.csv'}{drawn}   Page: {out / 'report.html'}")


def _shown(value: Any) -> Any:
    """A mean without its interval, and nothing for what a row lacks."""
    return value[0] if isinstance(value, tuple) else "" if value is None else value


def read_values(over: list[str]) -> dict[str, list[Any]]:
    """Read ``["beta=0.1,1", "latent=2,10"]``.

    Raises
    ------
    InputError
        If one is not ``key=a,b,c``, or names a setting again.
    """
    values: dict[str, list[Any]] = {}
    for text in over:
        key, listed = split_setting(text, example="latent=2,10,20")
        if key in values:
            raise InputError(f"'{key}' is given twice; list all of its values in one --over {key}=A,B,C.")
        parts = [part.strip() for part in listed.split(",")]
        if "" in parts:
            raise InputError(f"'{text}' lists an empty value; write it like {key}=A,B,C.")
        values[key] = [parse_value(part) for part in parts]
    return values
