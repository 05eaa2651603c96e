"""The methods, one folder each; they are found by folder, so there is no list to edit."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from coverslip.core import InputError


def names() -> list[str]:
    """Names of the methods there are."""
    return sorted(module.name for module in iter_modules(__path__) if module.ispkg)


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


def __dir__() -> list[str]:
    return ["get", "names", *names()]
