"""The studies of how many labels are needed, and of classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import ConfigFile, Device, Out, Settings, read_channels, read_settings
from coverslip.cli.study.options import (
    Baseline,
    Channels,
    Domain,
    KeepModels,
    Over,
    Planes,
    Precision,
    Restarts,
    Steps,
    UndividedGroup,
    inputs_of,
    print_findings,
    print_rows_and_notes,
    read_numbers,
    read_values,
    shown,
)
from coverslip.core import InputError


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
    """Fit to more and more fields, or labelled images of each class: how many are enough.

    Larger training sets hold the smaller ones, and all are evaluated on images that they never saw: of methods that
    find objects the same held-out fields (column 'split', or a share), of classifiers those not labelled; after equally
    many optimiser steps. A second run goes on where the first stopped.
    """
    from coverslip.study.classes.bench import classifies
    from coverslip.study.fields.learning import learning_curve
    from coverslip.train.run import Run

    if classifies(method):
        if steps is not None:
            raise InputError("Fits of a classifier take as long as the largest: leave --steps out, set its epochs.")
        from coverslip.study.classes.learning import image_curve

        given = read_settings(config, settings)
        inputs, how = inputs_of(method, samples, given, channels, planes)
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
        print_findings(findings, out, "learning-curve.png")
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
    print_findings(findings, out, "learning-curve.png")


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
    group: UndividedGroup = None,
    domain: Domain = None,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Fit to each domain alone, too, in the same folds: what one model of all costs."),
    ] = False,
    config: ConfigFile = None,
    settings: Settings = None,
    channels: Channels = None,
    planes: Planes = "channels",
    keep_models: KeepModels = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Fit a classifier without each part of the images in turn, and test it on that part.

    Folds are stratified by class, and whole groups are held out. A second run goes on at the unfinished fold.
    """
    from coverslip.study.classes.crossing import cross_validate
    from coverslip.train.run import Run

    given = read_settings(config, settings)
    inputs, how = inputs_of(method, samples, given, channels, planes)
    findings = cross_validate(
        method,
        inputs,
        out,
        folds=folds,
        repeats=repeats,
        over=read_values(over or []),
        domain=domain or ("domain" if len(samples) > 1 else None),
        alone=alone,
        settings=given,
        group=group,
        **how,
        keep_models=keep_models,
        run=Run(device=device, precision=precision),
    )
    print_findings(findings, out, "")


def transfer(
    method: Annotated[str, typer.Argument(help="A method that tells classes: classify.")],
    samples: Annotated[
        list[Path],
        typer.Argument(help="Sheets, or folders of class folders, one of each laboratory; or one sheet and --domain."),
    ],
    out: Out,
    domain: Annotated[str | None, typer.Option(help="Column of laboratories, where one sheet holds them all.")] = None,
    folds: Annotated[int, typer.Option(help="Parts of each laboratory's images, each tested once at home.")] = 5,
    group: UndividedGroup = None,
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
    from coverslip.study.classes.transfer import transfer as transferred
    from coverslip.train.run import Run

    given = read_settings(config, settings)
    inputs, how = inputs_of(method, samples, given, channels, planes)
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
    print_rows_and_notes([{k: shown(v) for k, v in row.items()} for row in findings.table], findings, out)


def shortcut(
    samples: Annotated[Path, typer.Argument(help="A sample sheet with a column of classes, or a folder of each.")],
    out: Out,
    label: Annotated[str, typer.Option(help="Column of classes.")] = "label",
    group: UndividedGroup = None,
    planes: Planes = "channels",
    seed: Annotated[int, typer.Option(help="Decides the folds.")] = 0,
) -> None:
    """Look whether borders, sizes, colours or files tell the classes, before a network learns them."""
    from coverslip.study.classes.shortcut import shortcuts

    findings = shortcuts(samples, out, label=label, group=group, planes=planes, seed=seed)
    rows = [
        {"what": f["what"], "balanced accuracy": f["value"], "low": f["low"], "high": f["high"]}
        for f in findings.points
    ]
    print_rows_and_notes(rows, findings, out)
