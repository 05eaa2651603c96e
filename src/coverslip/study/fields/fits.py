"""Fits of methods that find objects: made once each, and evaluated on fields that they never saw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import results
from coverslip.core import Fields, FieldSubset, Image, InputError, track
from coverslip.io import atomic_path, read_table, write_table
from coverslip.io.agreement import MARK
from coverslip.io.paths import PARTS, distinct_stems, part_of
from coverslip.samples.opening.mark import mark_of
from coverslip.study.fits import begin_fit, fit_once, forget

if TYPE_CHECKING:
    from coverslip.core.results import LabelMap
    from coverslip.core.settings import Training
    from coverslip.models.folder import Model
    from coverslip.train.run import Run

FIT, MODEL, IMAGES, RESULT = "fit.json", "model", "images.csv", "result.json"
"""What the folder of a fit holds: what it is a fit of, the model, measures of each field; the last says that it is
finished."""

CLASSICAL = "classical"
"""What stands in the column ``trained_on`` for `coverslip.samples.find_nuclei`, which is not trained."""


@dataclass(frozen=True)
class Fit:
    """One fit of a study, and what it is evaluated on.

    Parameters
    ----------
    name : str
        Its folder.
    facts : mapping of str to value
        What it is a fit of, the same for all restarts: columns of the tables.
    fields : Fields
        With masks.
    train, evaluated : ndarray of int
        Rows of `fields`; none to train on stands for the classical baseline.
    config : Training, optional
        Settings, the seed among them; None for the classical baseline.
    restart : int
        Counted from 0.
    steps, objects : int
        Optimiser steps, and objects in the training masks.
    channels, planes
        What `fields` was opened with, for the model.
    """

    name: str
    facts: Mapping[str, Any]
    fields: Fields = field(repr=False)
    train: np.ndarray = field(repr=False)
    evaluated: np.ndarray = field(repr=False)
    config: Training | None = field(default=None, repr=False)
    restart: int = 0
    steps: int = 0
    objects: int = 0
    channels: tuple[str | int, ...] | None = None
    planes: str | int = "channels"


ERRORS = {"pixel_error": "pixel_f1", "object_error": "f1"}
"""Errors are 1 - F1, of the foreground's pixels and of objects (IoU ≥ 0.5)."""


@dataclass(frozen=True)
class Outcome:
    """What became of a fit.

    Parameters
    ----------
    fit : Fit
        What was fitted.
    images : dict of str to ndarray, shape (N,)
        One row per evaluated field, as `coverslip.measure.SegmentationEvaluation.per_image` has them.
    pooled : dict of str to float
        Each measure of all objects (or pixels) of all evaluated fields taken together.
    seconds : float
        The fit took.
    """

    fit: Fit
    images: dict[str, np.ndarray] = field(repr=False)
    pooled: dict[str, float] = field(repr=False)
    seconds: float


def run_fits(
    method: str, plan: Sequence[Fit], out: Path, *, run: Run, keep_models: bool = True, word: str = "Study"
) -> list[Outcome]:
    """Make every fit that is not there yet, and evaluate it.

    Parameters
    ----------
    method : str
        Name of the method.
    plan : sequence of Fit
        In this order.
    out : Path
        ``fits/<name>`` below it is a folder for each; one that holds ``result.json`` is finished.
    run : Run
        Device and precision.
    keep_models : bool
        Keep the model of each fit, in ``fits/<name>/model``.
    word : str
        What progress is called.

    Raises
    ------
    InputError
        If a folder holds the fit of another study.
    """
    names = distinct_stems([fit.name for fit in plan], range(1, len(plan) + 1))
    marks = {id(fit.fields): mark_of(fit.fields) for fit in {id(fit.fields): fit for fit in plan}.values()}
    outcomes = []
    for fit, name in track(list(zip(plan, names, strict=True)), word):
        folder = out / "fits" / name
        begin_fit(folder / FIT, {**_asked(method, fit), MARK: marks[id(fit.fields)]}, folder)
        if not (folder / RESULT).is_file():
            _make(method, fit, folder, run)
        outcomes.append(_finished(fit, folder))
        if not keep_models:
            forget(folder / MODEL)
    return outcomes


def image_name(fields: Fields, row: int) -> str:
    """What to call a field in a table: what its sheet calls it, which moving the folder does not change."""
    obs = fields.obs
    if "image" not in obs:
        return fields.name(row)
    return f"{obs['image'][row]} {part_of({name: str(obs[name][row]) for name in PARTS if name in obs})}".rstrip()


def _make(method: str, fit: Fit, folder: Path, run: Run) -> None:
    evaluated = FieldSubset(fit.fields, fit.evaluated)
    if fit.config is None:
        found, seconds = classical(evaluated), 0.0
    else:
        model = _fitted(method, fit, folder / MODEL, run)
        found = results.get(model.gives).verb("segment")(model, evaluated, run.device)
        seconds = sum(row["seconds"] for row in model.history)
    table = _evaluate(evaluated, found)
    names = np.array([image_name(fit.fields, int(row)) for row in fit.evaluated], dtype=object)
    write_table({**table.per_image, "name": names}, folder / IMAGES)
    pooled = {row.measure: None if np.isnan(row.value) else row.value for row in table.rows}
    _write({"seconds": round(seconds, 1), "pooled": pooled}, folder / RESULT)


def _fitted(method: str, fit: Fit, folder: Path, run: Run) -> Model:
    assert fit.config is not None
    training = FieldSubset(fit.fields, fit.train, split="train")
    return fit_once(method, training, folder, fit.config, run=run, channels=fit.channels, planes=fit.planes)


def _evaluate(fields: Fields, found: Iterator[LabelMap]) -> Any:
    from coverslip.measure import evaluate_labels

    labels = track(found, "Evaluating", len(fields))
    return evaluate_labels((fields.name(i), fields.labels(i), each) for i, each in enumerate(labels))


def classical(fields: Fields) -> Iterator[LabelMap]:
    """Otsu's threshold and a watershed, on what the network would see."""
    from coverslip.samples import find_nuclei

    for i in range(len(fields)):
        pixels = fields.pixels(i)
        yield find_nuclei(Image.from_array(pixels if len(pixels) > 1 else pixels[0], source=fields.name(i)))


def _finished(fit: Fit, folder: Path) -> Outcome:
    result = _read(folder / RESULT)
    pooled = {key: float("nan") if value is None else float(value) for key, value in result["pooled"].items()}
    return Outcome(fit, read_table(folder / IMAGES), pooled, float(result["seconds"]))


def _write(facts: Mapping[str, Any], path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise InputError(f"{path} is damaged; delete its folder, and the fit is made again.") from None


def _asked(method: str, fit: Fit) -> dict[str, Any]:
    """What a fit is of."""
    return {
        "method": CLASSICAL if fit.config is None else method,
        "settings": None if fit.config is None else fit.config.model_dump(mode="json"),
        "train": [image_name(fit.fields, int(row)) for row in fit.train],
        "evaluated": [image_name(fit.fields, int(row)) for row in fit.evaluated],
        "channels": fit.channels,
        "planes": fit.planes,
    }
