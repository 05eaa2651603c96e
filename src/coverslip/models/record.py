"""The provenance of what is done with a model: the model, what it was applied to, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.core import Embedding, Fields, Options, Samples, Written, file_hash, provenance
from coverslip.io.agreement import FILES, agree, noted
from coverslip.io.tags import made_from
from coverslip.models.folder import Model
from coverslip.samples.sheets.files import mark_of_files


def prediction_record(
    model: Model,
    inputs: Any,
    opened: Any,
    options: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
    rivals: Sequence[Model] = (),
    asked: Mapping[str, Any] | None = None,
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
    asked : mapping, optional
        From `asked_of`: what a later ``--resume`` is held against.
    """
    record = provenance(
        kind=model.gives,
        model={**_describe_model(model), "input": dict(channels or model.how())},
        inputs=describe_inputs(inputs, opened),
        seed=getattr(model.config, "seed", None),
    )
    if rivals:
        record["rivals"] = [_describe_model(rival) for rival in rivals]
    if asked:
        record[_ASKED] = dict(asked)
    return {**record, "options": dict(options)} if options else record


def _describe_model(model: Model) -> dict[str, Any]:
    described = {
        "method": model.method,
        "folder": str(model.folder) if model.folder else None,
        "settings": model.config.model_dump(mode="json"),
    }
    described |= {name: model.provenance[name] for name in ("weights_sha256",) if name in model.provenance}
    return {**described, "warnings": list(model.warnings)} if model.warnings else described


def asked_of(
    model: Model,
    inputs: str | Path,
    how: Mapping[str, Any],
    options: Options | None = None,
    given: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What is asked of a model, as far as it decides the result; JSON-able.

    Parameters
    ----------
    model : Model
        Told by its weights.
    inputs : str or Path
        What it is applied to.
    how : mapping
        What the inputs are opened with, from `Model.how`.
    options : Options, optional
        Those of the kind of result.
    given : mapping, optional
        Those of the method that were given.
    **more
        What else decides.
    """
    of_method = getattr(model.implementation, "Options", Options)
    mine = {} if options is None else _unusual(type(options), options.model_dump(exclude=_DECIDE_NOTHING))
    return noted(
        {
            "method": model.method,
            "model": model.provenance.get("weights_sha256") or model.config.model_dump(mode="json"),
            "inputs": str(Path(inputs).resolve()),
            FILES: mark_of_files(inputs),
            **how,
            **mine,
            **_unusual(of_method, given or {}),
            **more,
        }
    )


_ASKED = "asked"

_DECIDE_NOTHING = {"strict", "nodata"}
"""Options of kinds that refuse a result but change none, or are among what inputs are opened with."""


def _unusual(kind: type[Options], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with another value than they have by themselves; of files what they hold counts, too."""
    usual = {name: info.get_default(call_default_factory=True) for name, info in kind.model_fields.items()}
    return {
        name: f"{value} ({file_hash(value)[:8]})" if isinstance(value, str | Path) and _is_file(value) else value
        for name, value in options.items()
        if name not in usual or value != usual[name]
    }


def _is_file(value: str | Path) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):  # a text that is too long, or none that a system could call a file
        return False


def finished(out: Path, asked: Mapping[str, Any]) -> Written:
    """What is said where a result is there whole, and all that was asked is to go on with it.

    Parameters
    ----------
    out : Path
        The result.
    asked : mapping
        From `asked_of`.

    Raises
    ------
    InputError
        If it is of other inputs, or of another model, or was made with other options.
    """
    check_finished(out, asked)
    return Written(out, finished_before=True)


def check_finished(out: Path, asked: Mapping[str, Any]) -> None:
    """See that what lies finished at a place, a result or a model, is what is asked for.

    Raises
    ------
    InputError
        Naming what differs.
    """
    facts = made_from(out)
    was = facts.get(_ASKED)
    if not isinstance(was, Mapping):  # what it does not say is taken to be the same
        of = {"model": ("model", "weights_sha256"), "inputs": ("inputs", "path")}
        said = {name: facts[part].get(key) for name, (part, key) in of.items() if isinstance(facts.get(part), Mapping)}
        was = {**asked, **{name: value for name, value in said.items() if value and name in asked}}
    agree(was, asked, f"{out} is finished, but was made", "choose another --out, or say --force")


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
