"""Flags that methods and kinds of results declare for their own options; none of them is known here by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, get_origin, get_type_hints

import typer

from coverslip.cli.options import read_settings

Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One option; may be repeated.")]

COMMANDS: dict[str, Any] = {}
"""The commands that get flags, by their verbs."""


def flagged(verb: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command whose last argument, ``options``, is what was given by ``--set`` or by a flag.

    The flags are those that `declare` finds, once the command is really called: looking for them takes time.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        own = [p.replace(annotation=hints[p.name]) for p in signature(function).parameters.values()][:-1]

        @wraps(function)
        def command(settings: list[str] | None = None, **given: Any) -> None:
            flags = {name: given.pop(name) for name in [*given] if name.startswith(_PREFIX)}
            said = {name[len(_PREFIX) :]: value for name, value in flags.items() if value not in (None, [])}
            function(**given, options={**read_settings(None, settings), **said})

        own.append(Parameter("settings", Parameter.KEYWORD_ONLY, default=None, annotation=Set))
        command.own = own  # type: ignore[attr-defined]
        _sign(command, own)
        COMMANDS[verb] = command
        return command

    return decorate


_PREFIX = "option_"


def declare(verb: str | None) -> None:
    """Give a command the flags that methods and kinds declare for its options."""
    command = COMMANDS.get(verb or "")
    if command is not None:
        _sign(command, [*command.own, *_flags(verb or "")])


def _sign(command: Any, parameters: list[Parameter]) -> None:
    command.__signature__ = signature(command).replace(parameters=parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}


def _flags(verb: str) -> Iterator[Parameter]:
    """One flag for each name, however many methods and kinds declare it."""
    owners: dict[str, list[str]] = {}
    fields: dict[str, tuple[str, Any]] = {}
    for owner, options in _declared(verb):
        for name, flag in options.flags().items():
            owners.setdefault(name, []).append(owner)
            fields.setdefault(name, (flag, options.model_fields[name]))
    for name, (flag, info) in fields.items():
        said = ", ".join(dict.fromkeys(owners[name]))
        told = f"{said[0].upper()}{said[1:]}: {_begun(info.description)}"
        declared = f"--{flag}/--no-{flag}" if info.default is True else f"--{flag}"
        words = typer.Option(declared, help=told, show_default=False)
        yield Parameter(
            _PREFIX + name,
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_typed(info.annotation) | None, words],
        )


def _typed(annotation: Any) -> Any:
    """What the parser makes of the word: numbers where nothing else can be, so that help can say so."""
    kinds = [kind for kind in getattr(annotation, "__args__", (annotation,)) if kind is not type(None)]
    if get_origin(annotation) is tuple:
        return list[str]
    return kinds[0] if len(kinds) == 1 and kinds[0] in (bool, int, float) else str


def _begun(sentence: str) -> str:
    """A sentence as it goes on behind a colon; what begins with a name or a sign keeps it."""
    first = sentence.split(" ", 1)[0]
    return sentence[0].lower() + sentence[1:] if first == "A" or first[1:].islower() else sentence


def _declared(verb: str) -> Iterator[tuple[str, Any]]:
    """Options of a verb with the name of what has them."""
    from coverslip import methods, results

    for kind in map(results.get, results.names()):
        yield kind.given.removeprefix("an ").removeprefix("a "), kind.options(verb)
    if verb == "predict":
        for name in methods.names():
            if hasattr(methods.get(name), "Options"):
                yield name, methods.get(name).Options
    if verb == "refine":
        for name in methods.names():
            if hasattr(methods.get(name), "Refine"):
                yield name, methods.get(name).Refine
    if verb == "export":
        from coverslip.portable.options import Export

        yield "models", Export
