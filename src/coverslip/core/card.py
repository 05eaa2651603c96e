"""The card of a method: what it is, what it takes and gives, whose idea it was, where it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Card:
    """What a reader should know before using a method.

    Parameters
    ----------
    name, summary : str
        Folder name; one sentence.
    takes : {"samples", "fields", "vectors"}
        What it is fitted to and applied to: equally shaped samples, fields of any size, or an embedding.
    gives : str
        The kind of result that `predict` gives: a folder of `coverslip.results`.
    citation : str
        The source: authors, title, year.
    inputs, outputs : str
        Shapes, units and ranges of what it takes and gives.
    notation : mapping of str to str
        The paper's symbols that the method's code uses, and what they mean.
    measured : tuple of str
        What was measured, on which data, with the number and its interval.
    limits : tuple of str
        Where it fails or must not be used.
    losses : str
        What the terms of its loss are, for whoever sees their curves.
    """

    name: str
    summary: str
    takes: Literal["samples", "fields", "vectors"]
    gives: str
    citation: str
    inputs: str
    outputs: str
    notation: dict[str, str] = field(default_factory=dict)
    measured: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    losses: str = ""

    def markdown(self, of_model: bool = False) -> str:
        """The card as Markdown, as it is printed; or as it is saved with a model, whose numbers are others."""
        lines = [f"# {self.name}", "", self.summary, "", f"**Source.** {self.citation}", ""]
        lines += [f"**Takes.** {self.inputs}", "", f"**Gives.** {self.outputs}", ""]
        measured = "Measured of the method, with other models" if of_model else "Measured"
        for title, items in ((measured, self.measured), ("Limits", self.limits)):
            if items:
                lines += [f"## {title}", "", *(f"- {item}" for item in items), ""]
        if self.notation:
            lines += [
                "## Notation",
                "",
                *(f"- `{symbol}`: {meaning}" for symbol, meaning in self.notation.items()),
                "",
            ]
        return "\n".join(lines)


def card_facts(text: str) -> dict[str, str]:
    """What a card in Markdown says under its title and its bold words.

    Parameters
    ----------
    text : str
        A card, as `Card.markdown` makes it or as one is written by hand.

    Returns
    -------
    dict of str to str
        ``title``, the first heading; ``summary``, the paragraph below it; and the rest of each paragraph that begins
        with a bold word, such as ``**Licence.** CC0-1.0``, under that word in small letters. Lines are joined.
    """
    facts: dict[str, str] = {}
    for part in re.split(r"\n\s*\n", text.strip()):
        words = " ".join(part.split())
        bold = re.match(r"\*\*(\w+)\.\*\*\s*(.*)", words)
        if words.startswith("#"):
            facts.setdefault("title", words.lstrip("# "))
        elif bold:
            facts.setdefault(bold[1].lower(), bold[2])
        else:
            facts.setdefault("summary", words)
    return facts
