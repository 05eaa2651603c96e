"""Models that come with the package, by name: each is a model folder beside this file.

Its ``card.md`` is written by hand: what it finds, its licence, the data it learned from, its numbers, where it fails.
``tools/ship_model.py`` puts a fitted model here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coverslip.core import InputError, ModelError, card_facts
from coverslip.models.folder import is_model_folder

ROOT = Path(__file__).parent
"""Where they lie."""

FACTS = ("licence", "authors", "data", "numbers")
"""Words that the card of a shipped model explains, each in a paragraph that begins with it in bold."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A shipped model in a few words.

    Parameters
    ----------
    name : str
        What it is called.
    summary, licence, numbers : str
        As its card has them.
    size : int
        Of its folder, bytes.
    """

    name: str
    summary: str
    licence: str
    numbers: str
    size: int


def names() -> list[str]:
    """Names of the models that are shipped."""
    return sorted(path.name for path in ROOT.iterdir() if is_model_folder(path))


def find(model: str | Path) -> Path:
    """The folder of a model: what lies there, else the shipped model of that name.

    Parameters
    ----------
    model : str or Path
        A model folder, or a name. A model folder in the working directory goes before a shipped one of its name; a
        folder that holds anything else (images, say) does not.

    Returns
    -------
    Path
        Where to load from. A path with folders in it comes back as it is, there or not.

    Raises
    ------
    ModelError
        If it is a bare name, nothing lies there, and no shipped model has it.
    """
    path = Path(model)
    if is_model_folder(path) or len(path.parts) != 1:
        return path
    known = names()
    if path.name in known:
        return ROOT / path.name
    if path.exists() or not known:
        return path
    raise ModelError(
        f"There is no model folder '{model}' here and no shipped model of that name; the shipped ones are: "
        f"{', '.join(known)}."
    )


def describe(name: str) -> Shipped:
    """A shipped model in a few words.

    Parameters
    ----------
    name : str
        One of `names`.
    """
    facts = card_facts(card(name))
    size = sum(file.stat().st_size for file in (ROOT / name).iterdir())
    return Shipped(name, facts.get("summary", ""), facts.get("licence", ""), facts.get("numbers", ""), size)


def card(name: str) -> str:
    """The card of a shipped model, Markdown.

    Parameters
    ----------
    name : str
        One of `names`.

    Raises
    ------
    InputError
        If there is no such model; the message lists those there are.
    """
    if name not in names():
        there = f"the shipped ones are: {', '.join(names())}" if names() else "this version ships none"
        raise InputError(f"There is no shipped model '{name}'; {there}.")
    return (ROOT / name / "card.md").read_text(encoding="utf-8")
