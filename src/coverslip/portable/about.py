"""What a package says of a model, beside the network itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coverslip.core import InputError, card_facts
from coverslip.core.words import number_of
from coverslip.models.folder import Model

_SHORTEST, _LONGEST = 5, 64


@dataclass(frozen=True)
class About:
    """A model in words.

    Parameters
    ----------
    name : str
        Its title.
    summary : str
        What it does, a sentence.
    authors : tuple of str
        Who made it; empty where unknown.
    licence : str or None
        SPDX name of the licence of the weights, where known.
    data : str
        What it learned from, a sentence.
    numbers : str
        What it is worth, a sentence; empty where the card does not say.
    card : str
        All of it, Markdown.
    """

    name: str
    summary: str
    authors: tuple[str, ...]
    licence: str | None
    data: str
    numbers: str
    card: str


def about_model(
    model: Model, *, name: str | None = None, authors: Sequence[str] = (), licence: str | None = None
) -> About:
    """Collect from a model's card and provenance what a package says of it.

    Parameters
    ----------
    model : Model
        With its card.
    name : str, optional
        Title; default: that of the card, for a model of one's own the name of its folder.
    authors : sequence of str, optional
        Default: those that the card names.
    licence : str, optional
        SPDX name; default: that of the card.

    Raises
    ------
    InputError
        If the name cannot be that of a package, or an author's not that of an author.
    """
    facts = card_facts(model.card)
    title = facts.get("title", model.method)
    if title == model.method:  # the card of the method, not one of the model's own
        folder = model.folder.resolve().name if model.folder else ""
        title = f"{model.method} {folder}".strip()
    given = title if name is None else name
    if not re.fullmatch(rf"[A-Za-z0-9_+\- ()]{{{_SHORTEST},{_LONGEST}}}", given):
        if name is not None:
            raise InputError(
                f"'{name}' cannot be the name of a package: use {_SHORTEST} to {_LONGEST} letters, digits, spaces, "
                "hyphens and parentheses."
            )
        given = f"Coverslip {model.method}"
    odd = next((author for author in authors if not author.strip() or set(author) & {"/", "\\"}), None)
    if odd is not None:
        raise InputError(f"'{odd}' cannot be the name of an author: write one name for each, without slashes.")
    named = tuple(part.strip() for part in facts.get("authors", "").split(";") if part.strip())
    return About(
        name=given,
        summary=facts.get("summary", ""),
        authors=tuple(authors) or named,
        licence=licence or facts.get("licence"),
        data=facts.get("data") or _data(model),
        numbers=facts.get("numbers", ""),
        card=model.card,
    )


def check_licence(name: str | None) -> None:
    """Refuse a licence that is not in the SPDX list.

    Raises
    ------
    InputError
        Naming it.
    """
    from bioimageio.spec.generic.v0_3 import LicenseId

    if name is None:
        return
    try:
        LicenseId(name)
    except ValueError:
        raise InputError(
            f"'{name}' is no licence of the SPDX list; write its short name, such as CC0-1.0 or MIT."
        ) from None


def _data(model: Model) -> str:
    """What a model of one's own learned from, without the places of files."""
    inputs = model.provenance.get("inputs") or {}
    count, sheet = inputs.get("n"), inputs.get("sha256")
    said = number_of(count, "image") if count else "Images of the author's own"
    return f"{said}, listed in a sheet with the SHA-256 {sheet}." if sheet else f"{said}."
