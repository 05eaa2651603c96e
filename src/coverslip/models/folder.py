"""Models as folders of plain files. Loading one runs nothing and unpickles nothing; what does not fit is refused.

``config.json``
    Format, method, version of Coverslip, every setting, the facts found while fitting.
``weights.safetensors``
    The weights; its header names the method and the hash of the configuration they were fitted with. Those stored in
    half precision, as shipped models are, come back as float32.
``history.csv``
    One row per epoch.
``provenance.json``
    Inputs with hashes, seed, versions, and the hash of the weights, the same for equal ones.
``card.md``
    The model in words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from coverslip import methods
from coverslip.core import Config, Fitted, InputError, ModelError, file_hash, versions
from coverslip.core.provenance import odd_entry
from coverslip.core.words import number_of
from coverslip.io.atomic import atomic_folder, atomic_path
from coverslip.io.reasons import reason
from coverslip.io.tables import read_table, write_table
from coverslip.io.tensors import read_tensors, refuse_pickle, tensors_hash, write_tensors
from coverslip.samples.opening import open_as
from coverslip.samples.sheets.sheet import names_one_image, read_sheet
from coverslip.samples.sheets.usable import usable_part

FORMAT = 1
"""The version of the folder's layout that this release writes; it reads this and older ones."""

_CONFIG, _WEIGHTS, _HISTORY = "config.json", "weights.safetensors", "history.csv"
_PROVENANCE, _CARD = "provenance.json", "card.md"
_NEEDED = (_CONFIG, _WEIGHTS, _PROVENANCE)
_FACTS: dict[str, Any] = {"input": {"channels": list, "planes": str | int}, "warnings": list, "shape": list}
_THIS_MODEL = "## This model"
_AGAIN = "restore the folder from a copy, or fit the model again"


@dataclass(frozen=True, repr=False)
class Model(Fitted):
    """A fitted method with where it comes from; what `coverslip.fit` gives and a model folder holds.

    Parameters
    ----------
    method, config, weights, facts, history
        As for `coverslip.core.fitted.Fitted`.
    provenance : mapping
        Inputs with hashes, seed, versions, time. JSON-able.
    card : str
        The method in words (Markdown), kept as ``card.md``.
    folder : Path or None
        Where it was loaded from.
    """

    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    card: str = field(default="", repr=False)
    folder: Path | None = None

    def __repr__(self) -> str:
        parameters = sum(int(array.size) for array in self.weights.values())
        said = "".join(f"\nNote: {warning}" for warning in self.warnings)
        return (
            f"Model({self.method}, {parameters:,} numbers, {number_of(len(self.history), 'epoch')}, "
            f"folder={self.folder}){said}"
        )

    @property
    def implementation(self) -> ModuleType:
        """The folder of its method, as a module."""
        return methods.get(self.method)

    @property
    def gives(self) -> str:
        """The kind of result that it gives."""
        return str(self.implementation.CARD.gives)

    def open(self, inputs: Any, **how: Any) -> Any:
        """Open what it is to be applied to, with the channels and planes of the fit unless told otherwise."""
        return open_as(self.implementation.CARD.takes, inputs, **self.how(how))

    def how(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """How inputs are opened: as for the fit, unless `given` says otherwise.

        Channels that the model knows by name are found by name, wherever an image has them, unless others are chosen.
        """
        given = given or {}
        names = [] if "channels" in given else self.facts.get("channels") or []
        return {**self.facts.get("input", {}), **({"expected": list(names)} if names else {}), **given}

    def open_usable(self, inputs: Any, **how: Any) -> Any:
        """The same, but of a folder of images what can be used of it: the notes of its sheet say what was left out."""
        if isinstance(inputs, str | Path) and Path(inputs).is_dir() and not names_one_image(inputs):
            sheet = read_sheet(inputs, **{name: how.get(name) for name in ("series", "frames")})
            if sheet.path is None:  # the rows of a sheet are all meant
                inputs = usable_part(sheet, lambda rows: self.open(rows, **how))
        return self.open(inputs, **how)

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; either all of it appears or nothing does.

        Parameters
        ----------
        folder : str or Path
            A new or empty folder, or one that holds a model already, which is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        InputError
            If the folder holds something that is no Coverslip model, or cannot be written.
        """
        folder = Path(folder)
        refuse_foreign(folder)
        config = {
            "format": FORMAT,
            "method": self.method,
            "version": versions().get("coverslip", ""),
            "settings": self.config.model_dump(mode="json"),
            "facts": _json(self.facts),
        }
        with atomic_folder(folder, overwrite=True) as temporary:
            _write_json(temporary / _CONFIG, config)
            notes = {"method": self.method, "config_sha256": _config_hash(config)}
            write_tensors(temporary / _WEIGHTS, self.weights, notes)
            if self.history:
                keys = list(dict.fromkeys(key for row in self.history for key in row))
                columns = {key: [row.get(key, float("nan")) for row in self.history] for key in keys}
                write_table(columns, temporary / _HISTORY)
            found = {**_json(self.provenance), "weights_sha256": tensors_hash(self.weights)}
            _write_json(temporary / _PROVENANCE, found)
            (temporary / _CARD).write_text(_card_text(self), encoding="utf-8")
        return folder


def load_model(folder: str | Path, config_of: Callable[[str], type[Config]]) -> Model:
    """Load a model folder.

    Parameters
    ----------
    folder : str or Path
        A folder that `Model.save` wrote.
    config_of : callable
        Gives the settings class of a method by its name; raises `InputError` for a method there is not.

    Returns
    -------
    Model
        With read-only weights. Whether they have the names and shapes of the method is checked where they are used.

    Raises
    ------
    ModelError
        If the folder or a file in it is missing, cut short, edited after saving, from another model, from a newer
        Coverslip, or a pickle. One sentence with the reason and what to do.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file, not a model folder" if folder.exists() else "does not exist"
        raise ModelError(f"{folder} {what}; give the folder that coverslip fit wrote (--out).")
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if len(missing) == len(_NEEDED):
        raise ModelError(f"{folder} is no model folder; give the folder that coverslip fit wrote (--out).")
    if missing:
        raise ModelError(f"{folder} lacks {' and '.join(missing)}; {_AGAIN}.")
    _refuse_links(folder)
    refuse_pickle(folder / _WEIGHTS)
    config = _read_json(folder / _CONFIG)
    _check_layout(folder, config)
    provenance = _read_json(folder / _PROVENANCE)
    odd = odd_entry(provenance)
    if odd is not None:
        raise ModelError(f"{folder / _PROVENANCE} has no usable entry '{odd}'; {_AGAIN}.")
    weights = _checked_weights(folder, config, provenance)
    return Model(
        method=config["method"],
        config=_settings(folder, config, config_of),
        weights=weights,
        facts=config["facts"],
        history=_history(folder),
        provenance=provenance,
        card=_card(folder),
        folder=folder,
    )


def is_model_folder(folder: str | Path) -> bool:
    """Whether a folder is one that `Model.save` wrote, judged by its configuration alone."""
    try:
        config = json.loads((Path(folder) / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"format", "method", "settings"} <= set(config)


def refuse_foreign(folder: Path) -> None:
    """Refuse a place that holds something else than a model; a fit calls this before its first epoch.

    Raises
    ------
    InputError
        Naming the folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give the name of a folder for the model.")
    if folder.is_dir() and any(folder.iterdir()) and not is_model_folder(folder):
        raise InputError(
            f"{folder} holds something that is no Coverslip model; choose another folder, or empty it first."
        )


def _refuse_links(folder: Path) -> None:
    """Refuse files that lie elsewhere: what a model shows, its card among it, would be of somebody else's files."""
    for name in (*_NEEDED, _HISTORY, _CARD):
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise ModelError(
                f"{folder / name} is a link to a file outside the model's folder, and was not read; copy that file "
                "into the folder if it belongs to the model."
            )


def _check_layout(folder: Path, config: Mapping[str, Any]) -> None:
    kinds = {"format": int, "method": str, "version": str, "settings": dict, "facts": dict}
    wrong = [key for key, kind in kinds.items() if not isinstance(config.get(key), kind)]
    if wrong:
        raise ModelError(f"{folder / _CONFIG} has no usable entry '{wrong[0]}'; {_AGAIN}.")
    odd = odd_entry(config["facts"], _FACTS)
    if odd is not None:
        raise ModelError(f"{folder / _CONFIG} has no usable entry 'facts.{odd}'; {_AGAIN}.")
    if config["format"] > FORMAT:
        raise ModelError(
            f"{folder} was saved by a newer Coverslip ({config['version']}, format {config['format']}; "
            f"this one reads up to {FORMAT}); update with pip install -U coverslip."
        )


def _checked_weights(folder: Path, config: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, np.ndarray]:
    path = folder / _WEIGHTS
    weights, notes = read_tensors(path)
    fits_config = notes.get("config_sha256") == _config_hash(config)
    # The first models noted the hash of the file, which is not the same for equal weights.
    unchanged = provenance.get("weights_sha256") in (tensors_hash(weights), file_hash(path))
    if fits_config and unchanged:
        weights = {name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in weights.items()}
        for array in weights.values():
            array.flags.writeable = False
        return weights
    if unchanged and "config_sha256" in notes:
        raise ModelError(f"{folder / _CONFIG} was changed after the model was saved; {_AGAIN}.")
    if fits_config:
        raise ModelError(f"{path} was changed after the model was saved; {_AGAIN}.")
    raise ModelError(f"{path} belongs to another model than {_CONFIG} beside it; {_AGAIN}.")


def _settings(folder: Path, config: Mapping[str, Any], config_of: Callable[[str], type[Config]]) -> Config:
    try:
        kind = config_of(config["method"])
    except InputError as error:
        raise ModelError(f"{folder} needs another Coverslip than this one ({config['version']}): {error}") from error
    try:
        return kind.parse(config["settings"])
    except InputError as error:
        raise ModelError(
            f"{folder} was saved by Coverslip {config['version']} with settings that this one does not know: {error}"
        ) from error


def _history(folder: Path) -> list[dict[str, float]]:
    path = folder / _HISTORY
    if not path.is_file():  # a method without epochs has none
        return []
    try:
        columns = read_table(path)
    except InputError as error:
        raise ModelError(str(error)) from error
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _config_hash(config: Mapping[str, Any]) -> str:
    """Of what the configuration says, not of how it is laid out: line ends may change on the way between systems."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they will be read back: NumPy numbers and arrays as plain ones, tuples as lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic | np.ndarray):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        raise InputError(f"The model cannot be saved: its facts hold {value!r}, which has no JSON form.")

    return dict(json.loads(json.dumps(dict(facts), default=plain)))


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{path} is no valid JSON ({reason(error)}); {_AGAIN}.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no JSON object; {_AGAIN}.")
    return content


def _card(folder: Path) -> str:
    """The words on the method; those on the model are written anew with each save."""
    path = folder / _CARD
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return text.split(_THIS_MODEL)[0].rstrip()


def _card_text(model: Model) -> str:
    lines = [model.card.rstrip(), ""] if model.card else [f"# {model.method}", ""]
    lines += [_THIS_MODEL, ""]
    parameters = sum(int(a.size) for a in model.weights.values())
    lines += [f"- Numbers in `{_WEIGHTS}`: {parameters:,} in {len(model.weights)} arrays"]
    lines += [f"- {key}: {value}" for key, value in (model.history[-1].items() if model.history else ())]
    if model.history:
        lines += [
            "- Measured: on the part of its samples that was held out while fitting alone, as the lines above have it; "
            "`coverslip evaluate` measures it on others."
        ]
    lines += [f"- Note: {warning}" for warning in model.warnings]
    for heading, rows in model.tables.items():
        cells = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
        lines += ["", f"### {heading}", "", *(f"| {' | '.join(map(str, row))} |" for row in cells)]
    lines += ["", "## Settings", "", *(f"- `{key}`: {value}" for key, value in _flat(model.config.model_dump())), ""]
    return "\n".join(lines)


def _flat(settings: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by the names that they are set with: those of a group as ``group.name``."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}", value
