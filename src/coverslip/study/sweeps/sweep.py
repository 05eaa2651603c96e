"""Fit every combination of some settings: one table, figures, one page; resumed fit by fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods, results
from coverslip.core import InputError, Samples, Subset, Training, provenance, track
from coverslip.core.spread import evenly
from coverslip.io import write_table
from coverslip.io.atomic import refuse_existing
from coverslip.models.folder import Model
from coverslip.models.record import describe_inputs
from coverslip.samples.opening import open_as
from coverslip.samples.opening.normalise import Normaliser
from coverslip.study.fits import fit_name, fit_once, kept_row, seeds_of
from coverslip.study.sweeps.page import KL_OF, Seen, write_sweep
from coverslip.train.run import Run
from coverslip.train.split import training_split

if TYPE_CHECKING:
    from coverslip.core.config import Config

_LEFT_OUT = ("epoch", "learning_rate", "seconds")

_PICTURED = 8
"""Images whose reconstructions are shown."""


def run_sweep(
    method: str,
    samples: Any,
    over: Mapping[str, Sequence[Any]],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    restarts: int = 1,
    label: str = "label",
    first_epoch: int = 1,
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
        Folder: ``fits/<combination>`` is a model each; ``sweep.csv``, ``sweep.png`` and ``losses.png`` show them all,
        of autoencoders also ``reconstructions.png`` and ``kl.png``; ``report.html`` holds all of it. Fits that are
        there are not made again, and one that was stopped goes on.
    settings : mapping, optional
        Settings that stay the same.
    restarts : int
        Fits of each combination, with the seeds ``seed``, ``seed + 1``, …
    label : str
        Column whose classes a linear probe of each fit's result is asked for, where the samples have it: trained on
        the training part, balanced accuracy on the held-out one. Methods that find objects are evaluated on the
        held-out fields instead.
    first_epoch : int
        Loss curves from this epoch on.
    device : str
        Where to compute.

    Returns
    -------
    list of dict
        One row per fit: the settings, what was measured on the held-out samples, and a ``note`` of its warnings. Terms
        of the loss stand alone and as they are weighted in it (``kl`` and ``beta_kl``); ``kl_z0`` and so on are the KL
        of each latent.

    Raises
    ------
    InputError
        If a setting or a value cannot be, before anything is fitted.
    """
    out = Path(out)
    module = methods.get(method)
    planned = _plan(module.Config, over, settings or {}, restarts)
    run = Run(device=device)
    refuse_existing(out / "fits", force=True)
    opened = open_as(module.CARD.takes, samples)
    weights: Mapping[str, str] = getattr(module, "WEIGHTS", {})
    seen = Seen(list(over), weights, first_epoch=first_epoch)
    pictured = _pictured(module, opened, planned[0][2])
    rows: list[dict[str, Any]] = []
    for name, varied, config in track(planned, "Sweep"):
        model = fit_once(method, opened, out / "fits" / name, config, run=run)
        seen.histories[name] = [{**row, **_weighted(row, model, weights)} for row in model.history]
        combination = fit_name({key: varied[key] for key in over})
        if pictured is not None and combination not in seen.reconstructions and "normaliser" in model.facts:
            _, given_back = module.reconstruct(model, pictured, device=device)
            back = Normaliser.from_dict(model.facts["normaliser"]).invert(given_back)
            seen.reconstructions[combination] = back
        measured = _measured(model, opened, label, device, weights)
        if "kl_per_dimension" in model.facts:
            seen.latents[name] = np.asarray(model.facts["kl_per_dimension"])
            measured |= {f"{KL_OF}{d}": value for d, value in enumerate(model.facts["kl_per_dimension"])}
        measured["note"] = " ".join(model.warnings)
        # A term of the loss may be called like the setting it depends on.
        rows.append({**varied, **{f"{key}_loss" if key in varied else key: value for key, value in measured.items()}})
    every = dict.fromkeys(key for row in rows for key in row if key != "note")
    rows = [{**{key: row.get(key, np.nan) for key in every}, "note": row["note"]} for row in rows]
    write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, out / "sweep.csv")
    record = provenance(
        study="sweep",
        method=method,
        inputs=describe_inputs(samples, opened),
        over={key: list(values) for key, values in over.items()},
        settings=dict(settings or {}),
        restarts=restarts,
    )
    write_sweep(out, method, rows, seen, pictured, record)
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


def _pictured(module: Any, opened: Any, config: Any) -> Subset | None:
    """Some of the images that are held out, the same for every fit; None where a method gives no images back."""
    if not hasattr(module, "reconstruct") or not isinstance(opened, Samples):
        return None
    parts, _ = training_split(opened, config)
    held_out = parts["val"] if len(parts["val"]) else parts["train"]
    return Subset(opened, held_out[evenly(len(held_out), _PICTURED)])


def _weighted(row: Mapping[str, Any], model: Model, weights: Mapping[str, str]) -> dict[str, float]:
    """Terms of the loss as they are weighted in it: ``val_beta_kl`` of ``val_kl``."""
    return {
        f"{part}{setting}_{term}": getattr(model.config, setting) * row[f"{part}{term}"]
        for term, setting in weights.items()
        for part in ("", "val_")
        if f"{part}{term}" in row
    }


def _measured(model: Model, samples: Any, label: str, device: str, weights: Mapping[str, str]) -> dict[str, Any]:
    last = kept_row(model)  # a method without training has none
    found: dict[str, Any] = {key: value for key, value in last.items() if key not in _LEFT_OUT}
    found |= _weighted(last, model, weights)
    found |= {key: model.facts[key] for key in ("active_units", "depth", "parameters") if key in model.facts}
    if model.history:
        found["seconds"] = round(sum(row["seconds"] for row in model.history), 1)
    # Where nothing is trained nothing is held out either; the usual share is then what measures are taken on.
    parts, _ = training_split(samples, model.config if isinstance(model.config, Training) else Training())
    kind = results.get(model.gives)
    if "score" in kind.verbs and len(parts["val"]):
        found |= kind.verb("score")(model, samples, parts, label, device)
    return found
