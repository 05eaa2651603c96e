"""The verb refine: objects made again from the maps that were kept with them, with other settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coverslip import methods, results
from coverslip.core import InputError, Options, Written


def refine(result: str | Path, options: Mapping[str, Any] | None = None, **more: Any) -> Written:
    """Make the objects of a result again, from the maps that were kept with it; no network is run.

    Parameters
    ----------
    result : str or Path
        What `coverslip predict` wrote with a method that keeps maps; its labels and its table are replaced.
    options : mapping, optional
        What is to be other than it was when it was predicted, such as ``alpha``; ``coverslip methods NAME`` lists them.
    **more
        The same, by name.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If no maps were kept, or an option is not one of the method's.
    """
    kind, found = results.opened(result)
    name = (getattr(found, "provenance", {}).get("model") or {}).get("method")
    method = methods.get(name) if name in methods.names() else None
    if method is None or not hasattr(method, "Refine"):
        can = [other for other in methods.names() if hasattr(methods.get(other), "Refine")]
        raise InputError(f"{result} cannot be refined; results of these methods can: {', '.join(can)}.")
    declared: type[Options] = method.Refine
    given = declared.parse({**(options or {}), **more}).given()
    written: Written = kind.verb("refine")(found, method.remade, given)
    return written
