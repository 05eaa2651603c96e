"""The provenance of what is done with a model: the model, what it was applied to, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.core import Embedding, Fields, InputError, Samples, Written, file_hash, provenance
from coverslip.io.tags import provenance_of
from coverslip.models.folder import Model


def prediction_record(
    model: Model,
    inputs: Any,
    opened: Any,
    options: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
    rivals: Sequence[Model] = (),
) -> dict[str, Any]:
    """The provenance of a result: the model, what it was applied to, and how.

    Parameters
    ----------
    model, inputs, opened
        The model, what the user gave, and that opened.
    options : mapping, optional
        Options of the method that were given.
    channels : mapping, optional
        What the inputs were opened with, from `Model.how`; default: what the model was fitted to.
    rivals : sequence of Model
        Further models that took part.
    """
    record = provenance(
        kind=model.gives,
        model={**_describe_model(model), "input": dict(channels or model.how())},
        inputs=describe_inputs(inputs, opened),
        seed=getattr(model.config, "seed", None),
    )
    if rivals:
        record["rivals"] = [_describe_model(rival) for rival in rivals]
    return {**record, "options": dict(options)} if options else record


def _describe_model(model: Model) -> dict[str, Any]:
    described = {
        "method": model.method,
        "folder": str(model.folder) if model.folder else None,
        "settings": model.config.model_dump(mode="json"),
    }
    described |= {name: model.provenance[name] for name in ("weights_sha256",) if name in model.provenance}
    return {**described, "warnings": list(model.warnings)} if model.warnings else described


def finished(out: Path, model: Model, inputs: str | Path) -> Written:
    """What is said where a result is there whole, and all that was asked is to go on with it.

    Raises
    ------
    InputError
        If it is of other inputs, or of another model.
    """
    check_inputs(out, inputs)
    facts = provenance_of(out)
    hashes = {one.get("weights_sha256") for one in (facts.get("model", {}), model.provenance)} - {None}
    if len(hashes) > 1:
        raise InputError(f"{out} is finished, but by another model; choose another --out, or say --force.")
    return Written(out, finished_before=True)


def check_inputs(out: Path, inputs: str | Path) -> None:
    """See that what lies finished at a place, a result or a model, was made of some inputs.

    Raises
    ------
    InputError
        If it was made of others.
    """
    was, now = provenance_of(out).get("inputs", {}).get("path"), str(Path(inputs).resolve())
    if was and was != now:
        raise InputError(f"{out} is finished, but of {was}, not of {now}; choose another --out, or say --force.")


def path_of(inputs: Any) -> str | Path | None:
    """The path that inputs were given by, or None for what is in memory."""
    return getattr(inputs, "path", None) or (inputs if isinstance(inputs, str | Path) else None)


def describe_inputs(inputs: Any, opened: Samples | Fields | Embedding) -> dict[str, Any]:
    """Where `inputs`, once `opened`, come from, for provenance: path, number, shape, and the hash of the sheet."""
    path = path_of(inputs)
    folder = getattr(getattr(opened, "sheet", None), "folder", None)
    if isinstance(opened, Embedding):
        folder = opened.provenance.get("inputs", {}).get("folder")  # where its images are
    shape, dtype = _shape(opened)
    record: dict[str, Any] = {"n": len(opened), "shape": shape, "dtype": dtype}
    if path is not None:
        record["path"] = str(Path(path).resolve())
        if Path(path).is_file():
            record["sha256"] = file_hash(path)
    if getattr(opened, "sources", ()):
        record["paths"] = list(opened.sources)  # type: ignore[union-attr]
    if folder is not None:
        record["folder"] = str(Path(folder).resolve())
    return record


def _shape(opened: Samples | Fields | Embedding) -> tuple[list[int | None], str]:
    """The shape of what is one sample, as far as all have it, and the kind of its numbers."""
    if isinstance(opened, Embedding):
        return list(opened.latent.shape[1:]), str(opened.latent.dtype)
    return (list(opened.shape) if isinstance(opened, Samples) else [opened.count, None, None]), str(opened.dtype)
