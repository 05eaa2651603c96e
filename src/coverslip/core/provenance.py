"""Where a result comes from: inputs with hashes, versions, seed."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("coverslip", "torch", "numpy", "scikit-image", "tifffile")


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
