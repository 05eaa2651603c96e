"""Fit every combination of some settings: one table, one figure; resumed fit by fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods, results
from coverslip.core import InputError, Training, track
from coverslip.io import write_table
from coverslip.io.atomic import refuse_existing
from coverslip.models.folder import Model
from coverslip.samples.opening import open_as
from coverslip.study.fits import fit_name, fit_once, seeds_of
from coverslip.train.run import Run
from coverslip.train.split import training_split

if TYPE_CHECKING:
    from coverslip.core.config import Config

_LEFT_OUT = ("epoch", "learning_rate", "seconds")

_LOSS_WEIGHTS = {"beta", "separation"}
"""Settings that weight a term of the loss, or make another of it."""

_SCALES = {"normalise", "percentiles", "per_channel", "likelihood"}
"""Settings that change what an error is counted in."""

_OF_OBJECTS = ("ap50", "ap", "pixel_f1")
"""What is measured of methods that find objects."""

_MOST_CURVES = 12
"""More loss curves than this cannot be told apart in one figure."""


def run_sweep(
    method: str,
    samples: Any,
    over: Mapping[str, Sequence[Any]],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    restarts: int = 1,
    label: str = "label",
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Fit a method with every combination of settings.

    Parameters
    ----------
    method : str
        Name of a method.
    samples : str, Path, Sheet, Samples or Fields
        What it is fitted to; for a method that finds objects, fields with masks.
    over : mapping of str to sequence
        Settings and the values each takes.
    out : str or Path
        Folder: ``fits/<combination>`` is a model each, ``sweep.csv`` and ``sweep.png`` show them all. Fits that
        are there are not made again, and one that was stopped goes on.
    settings : mapping, optional
        Settings that stay the same.
    restarts : int
        Fits of each combination, with the seeds ``seed``, ``seed + 1``, …
    label : str
        Column whose classes a linear probe of each fit's result is asked for, where the samples have it: trained on
        the training part, balanced accuracy on the held-out one. Methods that find objects are evaluated on the
        held-out fields instead.
    device : str
        Where to compute.

    Returns
    -------
    list of dict
        One row per fit: the settings, what was measured on the held-out samples, and a ``note`` of its warnings.

    Raises
    ------
    InputError
        If a setting or a value cannot be, before anything is fitted.
    """
    out = Path(out)
    planned = _plan(methods.get(method).Config, over, settings or {}, restarts)
    run = Run(device=device)
    refuse_existing(out / "fits", force=True)
    opened = open_as(methods.get(method).CARD.takes, samples)
    rows, histories = [], {}
    for name, varied, config in track(planned, "Sweep"):
        folder = out / "fits" / name
        model = fit_once(method, opened, folder, config, run=run)
        histories[name] = model.history
        measured = _measured(model, opened, label, device)
        measured["note"] = " ".join(model.warnings)
        # A term of the loss may be called like the setting it depends on.
        rows.append({**varied, **{f"{key}_loss" if key in varied else key: value for key, value in measured.items()}})
    write_table({key: np.array([row.get(key, np.nan) for row in rows]) for key in rows[0]}, out / "sweep.csv")
    _draw(rows, list(over), histories, out)
    return rows


def _plan(
    kind: type[Config], over: Mapping[str, Sequence[Any]], settings: Mapping[str, Any], restarts: int
) -> list[tuple[str, dict[str, Any], Config]]:
    """Folder name, varied settings and all settings of each fit."""
    drawn = [{"seed": seed} for seed in seeds_of(kind, settings, restarts)] or [{}]
    if "seed" in over:
        raise InputError("Seeds are not swept over: ask for several fits of each combination with --restarts.")
    if not over or not all(over.values()):
        raise InputError("A sweep needs a setting and its values, such as beta=0.1,1.")
    for key, values in over.items():
        if len(set(map(str, values))) < len(values):
            raise InputError(f"The setting '{key}' lists a value twice; for several fits of each say --restarts.")
    planned = []
    for values in product(*over.values()):
        combination = dict(zip(over, values, strict=True))
        for seed in drawn:
            varied = {**combination, **seed}
            name = fit_name(varied if restarts > 1 else combination)
            planned.append((name, varied, kind.parse({**settings, **varied})))
    return planned


def _measured(model: Model, samples: Any, label: str, device: str) -> dict[str, Any]:
    last = model.history[-1] if model.history else {}  # a method without training has none
    found: dict[str, Any] = {key: value for key, value in last.items() if key not in _LEFT_OUT}
    found |= {key: model.facts[key] for key in ("active_units", "depth", "parameters") if key in model.facts}
    if model.history:
        found["seconds"] = round(sum(row["seconds"] for row in model.history), 1)
    # Where nothing is trained nothing is held out either; the usual share is then what measures are taken on.
    parts, _ = training_split(samples, model.config if isinstance(model.config, Training) else Training())
    kind = results.get(model.gives)
    if "score" in kind.verbs and len(parts["val"]):
        found |= kind.verb("score")(model, samples, parts, label, device)
    return found


def _draw(rows: list[dict[str, Any]], over: list[str], histories: Mapping[str, Any], out: Path) -> None:
    from coverslip.figures import loss_curves, save_figure, sweep_figure

    if len(over) <= 2:
        measures = [
            key for key in rows[0] if key.startswith("val_") or key in ("active_units", "probe", "loss", *_OF_OBJECTS)
        ]
        hidden = {"loss"} if "val_loss" in measures else set()
        if _LOSS_WEIGHTS & set(over):  # another loss for each value: only its terms compare
            hidden |= {"loss", "val_loss"}
        if _SCALES & set(over):
            hidden |= {"loss", "val_loss", "val_reconstruction"}
        measures = [key for key in measures if key not in hidden]
        if measures:
            save_figure(sweep_figure(rows, over, measures), out / "sweep.png")
    if any(histories.values()) and len(histories) <= _MOST_CURVES:
        save_figure(loss_curves(histories), out / "losses.png")
