"""The studies of fields: a group left out, focal planes."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.options import ConfigFile, Device, Out, Settings, read_channels, read_settings
from coverslip.cli.study.options import (
    Baseline,
    Channels,
    KeepModels,
    MaskedSheet,
    Planes,
    Precision,
    Restarts,
    SegmentingMethod,
    Steps,
    print_findings,
    read_numbers,
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
    from coverslip.study.fields.leaving import leave_one_out
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
    print_findings(findings, out, "leave-one-out.png")


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
    from coverslip.study.fields.planes import focal_planes
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
    print_findings(findings, out, "planes.png")
