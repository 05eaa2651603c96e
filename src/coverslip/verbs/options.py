"""Options by name, shared out between the method and the kind of result that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coverslip import methods, results
from coverslip.core.config import Options
from coverslip.core.errors import InputError
from coverslip.core.kind import Kind
from coverslip.models.folder import Model


def method_options(method: str) -> type[Options]:
    """The options of predicting with a method."""
    found: type[Options] = getattr(methods.get(method), "Options", Options)
    return found


def for_prediction(model: Model, options: Mapping[str, Any], what: Any) -> tuple[Options, dict[str, Any]]:
    """The options of the kind, and those of the method that were given; `what` is how the model was called.

    Raises
    ------
    InputError
        If one is neither's, or cannot have its value.
    """
    kind, own = results.get(model.gives), method_options(model.method)
    mine = kind.options("predict")
    for name in options:
        if name not in own.model_fields and name not in mine.model_fields:
            _refuse_for_prediction(name, what, model, kind, [*own.model_fields, *mine.model_fields])
    given = own.parse({name: value for name, value in options.items() if name in own.model_fields}).given()
    return mine.parse({name: value for name, value in options.items() if name in mine.model_fields}), given


def for_kind(kind: Kind, verb: str, options: Mapping[str, Any], what: Any = "It") -> Options:
    """The options of a verb for a kind.

    Raises
    ------
    InputError
        If one is another kind's, or unknown, or cannot have its value.
    """
    mine = kind.options(verb)
    options = {name: value for name, value in options.items() if name in mine.model_fields or not _is_empty(value)}
    for name in options:
        if name not in mine.model_fields:
            others = [other for other in map(results.get, results.names()) if name in other.options(verb).model_fields]
            if others:
                raise InputError(
                    f"{what} holds {kind.given}, and the option '{name}' is for {_either(others)}; leave it out."
                )
    return mine.parse(options)


def _refuse_for_prediction(name: str, what: Any, model: Model, kind: Kind, known: Iterable[str]) -> None:
    kinds = {other for other in results.names() if name in results.get(other).options("predict").model_fields}
    kinds |= {methods.get(m).CARD.gives for m in methods.names() if name in method_options(m).model_fields}
    if kinds and kind.name not in kinds:
        others = _either(results.get(other) for other in sorted(kinds))
        called = what if isinstance(what, str | Path) else model.method
        raise InputError(
            f"{called} gives {kind.given}, and the option '{name}' is for models that give {others}; leave it out."
        )
    has = f"it has {', '.join(sorted(known))}" if known else "it has none"
    raise InputError(f"The method '{model.method}' has no option '{name}'; {has}.")


def _either(kinds: Iterable[Kind]) -> str:
    return " or ".join(kind.given for kind in kinds)


def _is_empty(value: Any) -> bool:
    """Whether an option says nothing, so that it may be given to any kind."""
    return value is None or value is False or (isinstance(value, list | tuple) and not value)
