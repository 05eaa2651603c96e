"""Settings: every method has one class of them, checked on construction and saved with the model."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from coverslip.core.errors import InputError

C = TypeVar("C", bound="Config")


class Config(BaseModel):
    """Base of all settings: immutable, and an unknown or impossible setting is refused.

    Use `parse` for settings that come from a file or the command line: it says in one sentence
    what is wrong. Fields carry their description; `describe` lists them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    called: ClassVar[str] = "setting"

    @model_validator(mode="before")
    @classmethod
    def _as_lists(cls, given: Any) -> Any:
        """A list may be written ``"a,b"``; a single number or word is a list of one, and nothing an empty one."""
        if not isinstance(given, Mapping):
            return given
        lists = {name for name, info in cls.model_fields.items() if get_origin(info.annotation) is tuple}
        return {
            name: [part.strip() for part in str("" if value is None else value).strip(" []").split(",") if part.strip()]
            if name in lists and isinstance(value, str | int | float | None)
            else value
            for name, value in given.items()
        }

    @model_validator(mode="before")
    @classmethod
    def _as_usual(cls, given: Any) -> Any:
        """One setting of a group leaves the others as they usually are here, whatever they are elsewhere; true all."""
        if not isinstance(given, Mapping):
            return given
        groups = {name for name, info in cls.model_fields.items() if isinstance(info.default, Config)}
        whole = {name: value for name, value in given.items() if not (value is True and name in groups)}
        for name in [name for name, value in given.items() if isinstance(value, Mapping) and name in cls.model_fields]:
            usual = cls.model_fields[name].get_default(call_default_factory=True)
            if isinstance(usual, Config):
                whole[name] = {**usual.model_dump(exclude_unset=True), **whole[name]}
        return whole

    @classmethod
    def parse(cls: type[C], values: Mapping[str, Any]) -> C:
        """Build from a mapping whose keys may be dotted (``"train.epochs"``) and whose values may be text.

        Raises
        ------
        InputError
            Naming the first setting that is unknown or out of range, and the settings there are.
        """
        nested: dict[str, Any] = {}
        for key, value in values.items():
            *parents, leaf = key.split(".")
            level = nested
            for parent in parents:
                level = level.setdefault(parent, {})
                if not isinstance(level, dict):
                    raise InputError(f"The {cls.called} '{parent}' is a value, so '{key}' cannot be set below it.")
            if isinstance(value, Mapping) and isinstance(level.get(leaf), dict):
                level[leaf] = {**value, **level[leaf]}
            else:
                level[leaf] = value
        try:
            return cls.model_validate(nested)
        except ValidationError as error:
            raise InputError(_first_problem(cls, error)) from None

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Name, default and description of every setting, nested ones with dotted names."""
        defaults = {name: info.get_default(call_default_factory=True) for name, info in cls.model_fields.items()}
        return _described(cls, defaults, "")


class Options(Config):
    """Base of the options of a verb, which belong to a method or to a kind of result; empty by itself.

    An option that is used often may have a flag of its own on the command line: `flag` declares it.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True, arbitrary_types_allowed=True)
    called: ClassVar[str] = "option"

    @classmethod
    def flags(cls) -> dict[str, str]:
        """Name of each option that has a flag, and what the flag is called, without its dashes."""
        found = {}
        for name, info in cls.model_fields.items():
            extra = info.json_schema_extra
            if isinstance(extra, dict) and "flag" in extra:
                found[name] = str(extra["flag"] or name.replace("_", "-"))
        return found

    def given(self) -> dict[str, Any]:
        """The options that were given, without those left at their defaults."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def flag(default: Any, description: str, *, name: str = "", **bounds: Any) -> Any:
    """A field of `Options` with a flag of its own.

    Parameters
    ----------
    default
        Its value where it is not given.
    description : str
        The user's help text.
    name : str
        What the flag is called, without its dashes; default: as the option.
    **bounds
        As for ``pydantic.Field``.
    """
    return Field(default, description=description, json_schema_extra={"flag": name}, **bounds)


def _described(cls: type[Config], values: Mapping[str, Any], prefix: str) -> list[tuple[str, str, str]]:
    rows = []
    for name, info in cls.model_fields.items():
        value = values[name]
        if isinstance(value, Config):
            rows += _described(type(value), dict(value), f"{prefix}{name}.")
        else:
            bounds = _bounds(info)
            meaning = f"{info.description or ''} [{bounds}]" if bounds else info.description or ""
            rows.append((f"{prefix}{name}", str(value), meaning))
    return rows


def _bounds(info: FieldInfo) -> str:
    """What a value must be, as signs: ``≥ 0, < 1``, or the words there are."""
    words = [str(word) for kind in _kinds(info.annotation) if get_origin(kind) is Literal for word in get_args(kind)]
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = [
        f"{sign} {getattr(part, key):g}" for part in info.metadata for key, sign in signs.items() if hasattr(part, key)
    ]
    return ", ".join(limits) or (", ".join(words) if len(words) > 1 else "")


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _first_problem(cls: type[Config], error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    # Behind the fields, pydantic names the member of a union that did not fit: of no use to the reader.
    known_names = {part for row in cls.describe() for part in row[0].split(".")}
    unknown = problem["type"] == "extra_forbidden"
    name = ".".join(str(part) for part in problem["loc"] if unknown or part in known_names)
    if unknown:
        known = [row[0] for row in cls.describe()]
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'? The" if near else "the"
        return f"There is no {cls.called} '{name}'; {hint} {cls.called}s are: {', '.join(known)}."
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    where = f"The {cls.called} '{name}'" if name else f"The {cls.called}s"
    return f"{where} cannot be {problem['input']!r}: {message}." if name else f"{where} do not fit together: {message}."
