"""Where a result comes from: inputs with hashes, versions, seed."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("coverslip", "torch", "numpy", "scikit-image", "tifffile")


_KINDS: dict[str, Any] = {
    "kind": str,
    "made": str,
    "method": str,
    "weights_sha256": str,
    "versions": {"coverslip": str},
    "options": {},
    "rivals": list,
    "inputs": {"path": str, "folder": str, "sha256": str},
    "model": {"method": str, "folder": str, "settings": {}, "warnings": list, "input": {"channels": list}},
}
"""What entries are, where they are there and not None; a mapping's own entries likewise."""


def odd_entry(facts: Any, kinds: Mapping[str, Any] = _KINDS) -> str | None:
    """The first entry of a provenance, or of other facts, that is of another type than `kinds` says; None: none is."""
    if not isinstance(facts, Mapping):
        return ""
    for name, kind in kinds.items():
        value = facts.get(name)
        if value is None:
            continue
        if isinstance(kind, Mapping):
            # Programs other than ours may say in a word what is a record here.
            inside = None if isinstance(value, str) and name == "model" else odd_entry(value, kind)
            if inside is not None:
                return f"{name}.{inside}".rstrip(".")
        elif not isinstance(value, kind):
            return name
    return None


def other_models(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, str] | None:
    """The folders of two models, where two records name a model each and these are not the same; else None.

    A model may lie in several places, such as in each store that it made: its weights tell, and only where they are not
    known its folder. Vectors that were sphered are no longer those of their model: ``, sphered`` stands behind it.
    """
    models = [model if isinstance(model := record.get("model"), Mapping) else {} for record in (one, other)]
    theirs, folders = ([model.get(name) for model in models] for name in ("weights_sha256", "folder"))
    told = theirs if all(theirs) else folders
    sphered = [", sphered" if model.get("sphering") else "" for model in models]
    if (all(told) and told[0] != told[1]) or (all(models) and sphered[0] != sphered[1]):
        return f"{folders[0]}{sphered[0]}", f"{folders[1]}{sphered[1]}"
    return None


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text; read in pieces, so size does not matter."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def provenance(**facts: Any) -> dict[str, Any]:
    """A provenance record: the given facts, the time (UTC) and the versions."""
    from datetime import UTC, datetime

    return {**facts, "made": datetime.now(UTC).isoformat(timespec="seconds"), "versions": versions()}
