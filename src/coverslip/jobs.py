"""The verbs on files: what the command line does, also for scripts.

Each checks first that its result can be written, then works, then writes it whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import api, methods
from coverslip.core.config import Config
from coverslip.core.errors import InputError, about
from coverslip.core.results import Embedding
from coverslip.decomposing import decompose_to_file
from coverslip.read.atomic import refuse_existing
from coverslip.read.models import Model, refuse_foreign
from coverslip.segmenting.job import Segmented, segment_to_file
from coverslip.segmenting.sharing import Asked
from coverslip.train.run import Run, is_main_process

FITTING = ".fitting"
"""Ending of the folder beside a model that holds an unfinished fit."""


def fit_to_folder(
    method: str,
    samples: Any,
    out: str | Path,
    settings: Config | Mapping[str, Any],
    *,
    run: Run,
    force: bool = False,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Model | None:
    """Fit a method and save the model.

    While it runs, ``OUT.fitting`` holds the checkpoint; it is removed once the model is saved.

    Parameters
    ----------
    method, samples, channels, planes
        As for `coverslip.fit`.
    out : str or Path
        Folder of the model.
    settings : Config or mapping
        Settings of the method, dotted names allowed.
    run : Run
        Device, precision and so on; with ``resume`` an unfinished fit goes on.
    force : bool
        Replace a model that is there, and discard an unfinished fit.

    Returns
    -------
    Model or None
        None where ``resume`` found the fit finished already.

    Raises
    ------
    InputError
        If there is a model or an unfinished fit at `out` and nothing says what to do with it.
    """
    out = Path(out)
    fitting = out.with_name(out.name + FITTING)
    if run.resume and (out / "config.json").is_file() and not fitting.exists():
        return None
    _check_device(run.device)
    # With several devices every process comes by here, but only the first one may touch files.
    if is_main_process():
        # An unfinished fit beside a model is to replace it: it was begun with --force, or killed while tidying up.
        refuse_existing(out, force or (run.resume and fitting.exists()))
        refuse_foreign(out)  # now, not after hours of fitting
        if fitting.exists() and not run.resume:
            if not force:
                raise InputError(f"{fitting} holds an unfinished fit: say --resume to go on, or --force to start over.")
            shutil.rmtree(fitting)
    model = api.fit(method, samples, settings, run=replace(run, folder=fitting), channels=channels, planes=planes)
    if is_main_process():
        model.save(out)
        shutil.rmtree(fitting, ignore_errors=True)
    return model


def predict_to_file(
    model: str | Path,
    inputs: str | Path,
    out: str | Path | None = None,
    *,
    asked: Asked | None = None,
    clusters: str | int | None = None,
    rivals: Sequence[str | Path] = (),
    resume: bool = False,
    force: bool = False,
) -> tuple[Embedding | Segmented, Path]:
    """Apply a model and write the result; see `coverslip.predict`.

    Parameters
    ----------
    model : str or Path
        A model folder, or the name of a model that comes with the package.
    inputs : str or Path
        One image, a folder or a sheet.
    out : str or Path, optional
        Where to: an embedding into a ``.h5ad``; labels into a folder, or those of one image into a ``.labels.tif`` or
        a ``.zarr``; decompositions into a folder. Default: named after the inputs, in the current folder.
    asked : Asked, optional
        Device, and how objects are found; see `coverslip.segmenting.sharing.Asked`.
    clusters : str or int, optional
        For an embedding: as for `coverslip.predict`; default ``"auto"``.
    rivals : sequence of str or Path
        For decompositions: further models that compete for every object.
    resume : bool
        For labels and decompositions: go on with work that was stopped or killed.
    force : bool
        Replace what is there.

    Returns
    -------
    Embedding or Segmented
        The result.
    Path
        Where it is.

    Raises
    ------
    InputError
        Before any work, if the place is taken or an option is not one of the method's.
    """
    asked = asked or Asked()
    loaded = api.load(model)
    kind = methods.get(loaded.method).CARD.result
    given = {"--clusters": clusters is not None, "--rival": bool(rivals), "--resume": resume}
    _refuse_options_of_others(model, kind, [*asked.given(), *(name for name, there in given.items() if there)])
    if kind == "decomposition":
        decomposed = decompose_to_file(loaded, inputs, out, asked, rivals=rivals, resume=resume, force=force)
        return decomposed, decomposed.path
    if kind == "labels":
        segmented = segment_to_file(loaded, inputs, out, asked, resume=resume, force=force)
        return segmented, segmented.path
    from coverslip.read import write_embedding

    source = Path(inputs).resolve()
    path = _free(out or f"{source.name if source.is_dir() else source.stem}.h5ad", (".h5ad",), force)
    _check_device(asked.device)
    embedding = api.predict(loaded, inputs, device=asked.device, clusters="auto" if clusters is None else clusters)
    write_embedding(embedding, path)
    return embedding, path


_GIVEN = {"embedding": "an embedding", "labels": "labels", "decomposition": "decompositions"}

_KINDS = {
    "--clusters": ("embedding",),
    "--resume": ("labels", "decomposition"),
    "--channels": ("labels", "decomposition"),
    "--planes": ("labels", "decomposition"),
    "--min-area": ("labels", "decomposition"),
    "--rival": ("decomposition",),
    "--min-confidence": ("decomposition",),
}
"""The options of `predict_to_file` that are not for labels alone, by the results that have a use for them."""


def _refuse_options_of_others(model: str | Path, kind: str, options: Sequence[str]) -> None:
    for option in options:
        kinds = _KINDS.get(option, ("labels",))
        if kind not in kinds:
            others = " or ".join(_GIVEN[other] for other in kinds)
            raise InputError(
                f"{model} gives {_GIVEN[kind]}, and {option} is for models that give {others}; leave it out."
            )


def evaluate_file(
    result: str | Path,
    truth: str | Path | None = None,
    *,
    label: str = "label",
    group: str | None = None,
    factors: Sequence[str] = (),
    baseline: bool = True,
    split: str | None = None,
    partial: bool = False,
    out: str | Path | None = None,
    per_image: str | Path | None = None,
    force: bool = False,
    seed: int = 0,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Measure an embedding or label images, and write the tables that are asked for; see `coverslip.evaluate`.

    Parameters
    ----------
    result, truth, label, group, factors, baseline, split, partial, seed
        As for `coverslip.evaluate`; an embedding is an ``.h5ad`` file, anything else is label images.
    out : str or Path, optional
        Where the table goes, ``.csv`` or ``.parquet``.
    per_image : str or Path, optional
        Where the measures of each label image go, likewise.
    force : bool
        Replace files that are there.

    Returns
    -------
    rows : list of dict
        The table.
    notes : list of str
        Sentences about images that were left out.
    """
    from coverslip.evaluation import evaluate
    from coverslip.evaluation.labels import measure_labels
    from coverslip.read import read_embedding, write_table

    places = [None if path is None else _free(path, (".csv", ".parquet"), force) for path in (out, per_image)]
    notes: list[str] = []
    if Path(result).suffix.lower() == ".h5ad":
        if split is not None or partial or per_image is not None:
            raise InputError(f"{result} is an embedding; --split, --partial and --per-image are for label images.")
        embedding = read_embedding(result)
        with about(result):
            rows = evaluate(embedding, truth, label=label, group=group, factors=factors, baseline=baseline, seed=seed)
    else:
        if factors:
            raise InputError(f"{result} holds no embedding (.h5ad); --factors is for embeddings.")
        table, notes = measure_labels(result, truth, group=group, split=split, partial=partial, seed=seed)
        rows = table.records()
        if places[1] is not None:
            write_table(table.per_image, places[1])
    if places[0] is not None:
        write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, places[0])
    return rows, notes


def report_to_file(
    result: str | Path,
    out: str | Path,
    *,
    model: str | Path | None = None,
    images: str | Path | None = None,
    truth: str | Path | None = None,
    partial: bool = False,
    group: str | None = None,
    colour: str | None = None,
    umap: bool = False,
    first_epoch: int = 1,
    figures: str | Path | None = None,
    force: bool = False,
) -> None:
    """Write the report page of an embedding (``.h5ad``) or of label images; see `coverslip.write_report`."""
    from coverslip.read import read_embedding, read_label_folder, write_embedding
    from coverslip.reporting import write_report

    out = _free(out, (".html",), force)
    is_embedding = Path(result).suffix.lower() == ".h5ad"
    opened: Any = read_embedding(result) if is_embedding else read_label_folder(result)
    had_umap = is_embedding and "X_umap" in opened.adata.obsm
    if figures is not None:
        refuse_existing(figures, force)
    with about(result):
        write_report(
            opened,
            out,
            model=model,
            images=images,
            truth=truth,
            partial=partial,
            group=group,
            colour=colour,
            umap=umap,
            first_epoch=first_epoch,
            figures_folder=figures,
        )
    if umap and not had_umap:
        write_embedding(opened, result)  # so that it is never computed twice


def _free(path: str | Path, endings: tuple[str, ...], force: bool) -> Path:
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise InputError(f"'{path}' should end in {' or '.join(endings)}: the result is such a file.")
    refuse_existing(path, force)
    return path


def _check_device(device: str) -> None:
    if device != "auto":  # before the first image is read
        from coverslip.train.device import choose_device

        choose_device(device)
