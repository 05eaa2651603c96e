"""What work was begun with: noted beside it, and held against what is asked for when it is to go on.

A note is a mapping, JSON-able: the method or the model, its settings and options, and marks of the samples. What leaves
the result as it is, such as the device, does not belong in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coverslip.core import InputError
from coverslip.io.atomic import atomic_path

MARK = "mark"
"""What tells the samples from others, in such a note."""

FILES = "files"
"""What tells files from themselves once they have changed."""

_SAID = {
    MARK: "other images, classes or splits",
    FILES: "images, or a sheet, that have changed since",
    "model": "another model",
    "rivals": "other rivals",
}
"""Hashes say nothing to a reader; these words do."""

_SHOWN = 4
_LONG = 60


def noted(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A note as a file gives it back."""
    return dict(json.loads(json.dumps(asked, default=str)))


def agree(was: Mapping[str, Any], asked: Mapping[str, Any], what: str, remedy: str) -> None:
    """Refuse to go on with work that was begun with something else.

    Parameters
    ----------
    was, asked : mapping
        What was noted, and what is asked for now. What one does not say is as usual there.
    what : str
        Begins the sentence: ``"The unfinished fit in model.fitting was begun"``.
    remedy : str
        Ends it.

    Raises
    ------
    InputError
        Naming what differs, with both values.
    """
    methods = was.get("method"), asked.get("method")
    if all(methods) and methods[0] != methods[1]:  # its settings are others, of course
        was, asked = ({"method": each} for each in methods)
    found = list(_differences(noted(was), noted(asked), ""))
    if found:
        more = f", and {len(found) - _SHOWN} more differ" if len(found) > _SHOWN else ""
        raise InputError(f"{what} with {'; '.join(found[:_SHOWN])}{more}: {remedy}.")


def begin(file: Path, asked: Mapping[str, Any], what: str, remedy: str) -> None:
    """Note what is asked for, or see that it is what was noted before; parameters and errors as `agree`."""
    if not file.is_file():
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(noted(asked), indent=2), encoding="utf-8")
        return
    try:
        was = dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InputError(f"{file} is damaged; delete it with what it is a note of, which is made again.") from None
    agree(was, asked, what, remedy)


def _differences(was: Any, asked: Any, name: str) -> Iterator[str]:
    if was == asked:
        return
    if name in _SAID:
        if name != MARK or (was and asked):  # an empty mark knows nothing of its samples
            yield _SAID[name]
    elif isinstance(was, Mapping) and isinstance(asked, Mapping):
        for key in sorted(was.keys() | asked.keys()):
            yield from _differences(was.get(key), asked.get(key), f"{name}.{key}" if name else key)
    elif isinstance(was, list) and isinstance(asked, list) and len(was) == len(asked):
        pairs = [(one, other) for one, other in zip(was, asked, strict=True) if one != other]
        one, other = (was, asked) if _is_short(was) and _is_short(asked) else pairs[0]
        yield f"{name}={_shown(one)}, not {_shown(other)}"
    else:
        yield f"{name}={_shown(was)}, not {_shown(asked)}"


def _is_short(value: Any) -> bool:
    return len(str(value)) <= _LONG


def _shown(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, list):
        return ",".join(_shown(one) for one in value) if _is_short(value) else f"{len(value)} entries"
    if isinstance(value, Mapping) and not _is_short(value):
        return f"{len(value)} entries"
    return str(value) if str(value) else "nothing"
