"""The methods, one folder each; they are found by folder, so there is no list to edit."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from coverslip.core.errors import InputError


def names() -> list[str]:
    """Names of the methods there are."""
    here = Path(__file__).parent
    return sorted(p.name for p in here.iterdir() if (p / "__init__.py").is_file())


def get(name: str) -> ModuleType:
    """The module of a method: ``CARD``, and on demand ``Config``, ``fit`` and ``predict``.

    Raises
    ------
    InputError
        If there is no such method; the message lists those there are.
    """
    if name not in names():
        raise InputError(f"There is no method '{name}'; the methods are: {', '.join(names())}.")
    return import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> ModuleType:
    if name in names():
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
