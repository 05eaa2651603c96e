"""The public names: each can be had, each is documented, and none hides another."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

import coverslip
from coverslip import methods

ROOMS = ["samples", "io", "read", "classical", "measure", "models", "figures", "train", "study"]
LAZY = ["coverslip", *(f"coverslip.{room}" for room in ROOMS), *(f"coverslip.methods.{n}" for n in methods.names())]


def public(module: ModuleType) -> list[str]:
    """What a room exports, without the rooms in it."""
    return [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]


@pytest.mark.parametrize("name", LAZY)
def test_every_public_name_can_be_had(name: str) -> None:
    module = importlib.import_module(name)
    found = {public_name: getattr(module, public_name) for public_name in module.__all__}
    assert None not in found.values()


@pytest.mark.parametrize("name", LAZY)
def test_no_name_is_that_of_a_module_beside_it(name: str) -> None:
    # Importing the module would set it on the package and hide the function.
    module = importlib.import_module(name)
    beside = {found.name for found in pkgutil.iter_modules(module.__path__)} if hasattr(module, "__path__") else set()
    assert not beside & set(public(module))


def test_the_verbs_stay_callable_once_every_module_is_imported() -> None:
    for found in pkgutil.walk_packages(coverslip.__path__, "coverslip."):
        if found.name.startswith("coverslip.napari.") and find_spec("magicgui") is None:
            continue  # of the extra `napari`
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for verb in ("fit", "predict", "evaluate", "write_report", "load", "open_image"):
        assert inspect.isfunction(getattr(coverslip, verb))
    for method in methods.names():
        package = methods.get(method)
        assert inspect.isfunction(package.fit)
        assert inspect.isfunction(package.predict)


@pytest.mark.parametrize("name", LAZY)
def test_every_public_function_and_class_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    missing = [
        f"{thing.__name__}: {what}"
        for thing in (getattr(module, each) for each in public(module))
        for what in undocumented(thing)
    ]
    assert not missing


def undocumented(thing: Any) -> list[str]:
    """What a reader would look for in vain."""
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return []
    text = inspect.getdoc(thing)
    if not text:
        return ["everything"]
    if inspect.isclass(thing):
        return []
    return [name for name in inspect.signature(thing).parameters if not mentioned(name, text)]


def mentioned(name: str, text: str) -> bool:
    """Whether a parameter heads a line of the docstring's list, or is spoken of in a short one."""
    heads = [line.split(" :")[0].replace("*", "").split(", ") for line in text.splitlines()]
    return any(name in head for head in heads) or f"`{name}`" in text
