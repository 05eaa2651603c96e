"""Several representations of the same samples: made, measured, and shown on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, provenance
from coverslip.core.words import counted
from coverslip.figures import save_figure
from coverslip.io import write_table
from coverslip.models.record import describe_inputs
from coverslip.results.embedding.sphering import controls_of, sphered_beside
from coverslip.samples import open_samples
from coverslip.samples.opening.copies import copies_told
from coverslip.samples.sheets.splits import train_and_test, usual_groups
from coverslip.study.findings import Findings
from coverslip.study.fits import seeds_of
from coverslip.study.page import write_study_page
from coverslip.study.representations.measures import measured, notes_of, tables_of
from coverslip.study.representations.pictures import figures_of
from coverslip.study.representations.vectors import RAW, representations
from coverslip.train.run import Run

_SPHERED = ", sphered"


def compare_representations(
    samples: Any,
    of: Sequence[str],
    out: str | Path,
    *,
    configs: Mapping[str, Any],
    label: str = "label",
    group: str | None = None,
    restarts: int = 1,
    sphere: str | None = None,
    sphere_by: str | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    run: Run | None = None,
) -> Findings:
    """As `coverslip.study.compare`, of methods that embed samples.

    Parameters
    ----------
    configs : mapping of str to Config
        Settings of each method.
    samples, of, out, label, group, restarts, sphere, sphere_by, channels, planes, run
        As there.
    """
    out, run = Path(out), run or Run()
    if sphere is None and sphere_by is not None:
        raise InputError("To sphere by groups say which rows are controls, too: --sphere 'treatment = DMSO'.")
    seeds = {name: seeds_of(type(config), config.model_dump(), restarts) for name, config in configs.items()}
    opened = open_samples(samples, channels=channels, planes=planes)
    columns = opened.obs
    for name in filter(None, (group, None if label == "label" else label)):
        if name not in columns:
            raise InputError(f"There is no column '{name}'; name one of {', '.join(columns)}.")
    split = train_and_test(columns, len(opened))
    if sphere is not None:
        controls_of(columns, len(opened), sphere, sphere_by)  # before anything is fitted
    found, seconds, kept = representations(opened, configs, of, split, out, run, channels, planes, seeds)
    said: list[str] = []
    if sphere is not None:
        found, said = _and_sphered(found, columns, sphere, sphere_by)
    rows, measures = measured(found, columns, split, label, group or usual_groups(columns), kept)
    for row in rows:
        row["s per 1,000"] = seconds[row["representation"].removesuffix(_SPHERED)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    rows = [{key: row.get(key, np.nan) for key in keys} for row in rows]  # what was measured of some alone
    write_table({key: np.array([row[key] for row in measures]) for key in measures[0]}, out / "measures.csv")
    plain = [{key: value[0] if isinstance(value, tuple) else value for key, value in row.items()} for row in rows]
    write_table({key: np.array([row[key] for row in plain]) for key in keys}, out / "table.csv")
    record = provenance(
        study="compare",
        inputs=describe_inputs(samples, opened),
        of=list(of),
        settings={name: config.model_dump(mode="json") for name, config in configs.items()},
        **({"sphere": sphere, "sphere_by": sphere_by} if sphere else {}),
    )
    notes = [*notes_of(rows, split is not None, group or usual_groups(columns)), *said]
    notes += copies_told(opened, label=label)
    figures = figures_of(found, rows, columns, label)
    for name, (figure, _) in figures.items():
        save_figure(figure, out / f"{name.lower()}.png")
    write_study_page(
        out,
        title="Representations compared",
        notes=notes,
        facts=[counted(len(opened), "sample"), counted(len(rows), "representation")],
        figures=figures,
        tables=tables_of(rows),
        provenance=record,
    )
    return Findings(rows, notes, rows)


def _and_sphered(
    found: Mapping[str, np.ndarray], columns: Mapping[str, np.ndarray], controls: str, by: str | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Each representation, and the same sphered; and sentences on how."""
    both: dict[str, np.ndarray] = {}
    said: list[str] = []
    for name, values in found.items():
        both[name] = values
        if name != RAW:
            both[f"{name}{_SPHERED}"], how = sphered_beside(values, columns, controls, by)
            said += [f"{name}: {sentence}" for sentence in how]
    return both, said
