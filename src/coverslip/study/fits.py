"""What studies have in common: seeds, names, and fits that are made once, also when they are stopped in between."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.core import InputError, Stopped
from coverslip.io.agreement import MARK, agree, begin
from coverslip.models.loading import load
from coverslip.samples.opening.mark import mark_of
from coverslip.verbs.fit import FITTING, fit_to_folder

if TYPE_CHECKING:
    from coverslip.core.config import Config
    from coverslip.models.folder import Model
    from coverslip.train.run import Run


_REMEDY = "choose another --out, or delete that folder"


def seeds_of(kind: type[Config], settings: Mapping[str, Any], restarts: int) -> range:
    """The seed of each restart: that of the settings and those after it; none for a method without a seed.

    Raises
    ------
    InputError
        If a setting is wrong, there is to be no fit at all, or several would be the same.
    """
    if restarts < 1:
        raise InputError(f"At least one fit of each kind is needed, not {restarts}; say --restarts 3.")
    first = getattr(kind.parse(settings), "seed", None)
    if first is None and restarts > 1:
        raise InputError("Nothing in this method is random: all fits would be the same, so leave out --restarts.")
    return range(0) if first is None else range(first, first + restarts)


def fit_name(facts: Mapping[str, Any]) -> str:
    """What a fit is called, and its folder: ``size=8,seed=0``."""
    return ",".join(f"{key}={_file_word(value)}" for key, value in facts.items())


def fit_once(
    method: str,
    samples: Any,
    folder: Path,
    config: Config,
    *,
    run: Run,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Model:
    """Fit into a folder, go on with the fit that was stopped there, or load the one that is finished.

    Parameters
    ----------
    method, samples, channels, planes
        As for `coverslip.fit`.
    folder : Path
        Of the model.
    config : Config
        Settings of the method.
    run : Run
        Device and precision.

    Raises
    ------
    InputError
        If the folder holds a model of other settings or samples.
    Stopped
        After Ctrl-C, once the state is saved.
    """
    asked = {
        "method": method,
        "settings": config.model_dump(mode="json"),
        "channels": channels,
        "planes": planes,
        MARK: mark_of(samples),
    }
    if not (folder.exists() or folder.with_name(folder.name + FITTING).exists()):
        forget(folder)
    elif not _note(folder).is_file() and (folder / "config.json").is_file():
        was = {**asked, "settings": load(folder).config.model_dump(mode="json")}
        agree(was, asked, f"{folder} was fitted", _REMEDY)
    begin_fit(_note(folder), asked, folder)  # before the fit, which may be stopped and gone on with
    try:
        model = fit_to_folder(
            method, samples, folder, config, run=replace(run, resume=True), channels=channels, planes=planes
        )
    except Stopped as stopped:
        done = str(stopped).partition(";")[0]
        raise Stopped(f"{done} of one fit; all is saved, and the same command goes on from here.") from stopped
    return load(folder) if model is None else model


def kept_row(model: Model) -> dict[str, Any]:
    """What a fit's history says of the weights that were kept: those of the best epoch, else the last; or nothing."""
    best = model.facts.get("best_epoch")
    chosen = [row for row in model.history if row["epoch"] == best] if best else model.history
    return dict(chosen[-1]) if chosen else {}


def forget(folder: Path) -> None:
    """Remove the model of a fit that is measured."""
    shutil.rmtree(folder, ignore_errors=True)
    _note(folder).unlink(missing_ok=True)


def begin_fit(note: Path, asked: Mapping[str, Any], folder: Path) -> None:
    """Note what is to be fitted into a folder; what was begun there as another fit is refused, with what differs."""
    begin(note, asked, f"{folder} was fitted", _REMEDY)


def _note(folder: Path) -> Path:
    """Where it is noted what a model is a fit of."""
    return folder.with_name(f"{folder.name}.asked.json")


def _file_word(value: Any) -> str:
    """A value as part of a folder name."""
    return "".join(c if c.isalnum() or c in "._+-" else "_" for c in str(value))
