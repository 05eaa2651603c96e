"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from coverslip.core import InputError
from coverslip.io.reasons import reason

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write the result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
PixelSize = Annotated[
    str | None,
    typer.Option(help="µm per pixel: 0.325 (or 0.5x0.25, height x width); default: what the sheet or the files say."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be repeated.")]
ConfigFile = Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")]


def read_settings(config: Path | None, settings: list[str] | None, seed: int | None = None) -> dict[str, Any]:
    """Settings from a file and from the command line; the latter win.

    Raises
    ------
    InputError
        If the file is no YAML or JSON mapping, or an option is not ``key=value``.
    """
    values: dict[str, Any] = {}
    if config is not None:
        values.update(_flat(_settings_in(_read_mapping(config))))
    for text in settings or ():
        key, value = split_setting(text)
        values[key] = parse_value(value)
    if seed is not None:
        values["seed"] = seed
    return values


def split_setting(text: str, example: str = "latent=10") -> tuple[str, str]:
    """Divide ``"key=value"``."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"'{text}' is not key=value; write it like {example}.")
    return key.strip(), value.strip()


def parse_value(text: str) -> Any:
    """Read a value as JSON where it is (numbers, true, null, lists), else as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def read_channels(text: str | None) -> list[str | int] | None:
    """Read ``"0,DAPI"`` as numbers and names of channels."""
    if text is None:
        return None
    return [int(part) if part.strip().isdecimal() else part.strip() for part in text.split(",")]


def _read_mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no settings file {path}; mend the path, or use --set key=value.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} cannot be read as YAML or JSON ({reason(error)}); write one 'key: value' per line."
        ) from None
    if not isinstance(loaded, dict):
        raise InputError(f"{path} holds no settings; write one 'key: value' per line.")
    return {str(key): value for key, value in loaded.items()}


def _settings_in(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that a file holds: all of it, or of the configuration of a model the part that is settings."""
    inner = values.get("settings")
    return inner if isinstance(inner, dict) and {"format", "method"} <= values.keys() else values


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
