"""What a kind of result is: a folder below `coverslip.results`, and where each verb finds what it does for the kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from coverslip.core.config import Options
from coverslip.core.errors import InputError

_COMMANDS = ("evaluate", "measure", "refine", "report", "export", "decode")
"""The verbs that users know by these names; others are between the house and the kind."""


@dataclass(frozen=True)
class Kind:
    """A kind of result. Its folder's ``__init__`` holds this and nothing else; the rest is loaded on demand.

    Parameters
    ----------
    name : str
        What `Card.gives` of a method and the tag ``kind`` in the provenance of a file say.
    sentence : str
        What such a result is.
    given : str
        How it is called after "gives", such as ``"an embedding"``.
    endings : tuple of str
        Of its files, the usual one first; an empty one stands for a folder.
    home : str
        The package of the kind.
    recognise : callable
        ``recognise(value) -> bool``: whether a path without a tag, or a value in Python, is of this kind.
    verbs : mapping of str to str
        Verb to ``".module:function"``, seen from `home`; what a kind does not list, it cannot do. What each verb is
        given stands in `coverslip.results`.
    refines : str
        The kind whose files these are too, so that whatever takes that kind takes this one.
    heeds : tuple of str
        Which of ``devices``, ``dask`` and ``max_ram`` its predictions look at; of the others a note says that they do
        not.
    """

    name: str
    sentence: str
    given: str
    endings: tuple[str, ...]
    home: str
    recognise: Callable[[Any], bool] = field(repr=False)
    verbs: Mapping[str, str] = field(repr=False)
    refines: str = ""
    heeds: tuple[str, ...] = ()

    def verb(self, name: str) -> Callable[..., Any]:
        """What a verb does for this kind.

        Raises
        ------
        InputError
            If it cannot be done.
        """
        if name not in self.verbs:
            known = ", ".join(each for each in _COMMANDS if each in self.verbs)
            raise InputError(f"There is no {name} of {self.given}; there is: {known}.")
        module, function = self.verbs[name].split(":")
        found: Callable[..., Any] = getattr(import_module(module, self.home), function)
        return found

    def options(self, verb: str) -> type[Options]:
        """The options that a verb has for this kind: the class of that name in its module ``options``."""
        if verb not in self.verbs:
            return Options
        found: type[Options] = getattr(import_module(f"{self.home}.options"), verb.capitalize(), Options)
        return found

    def is_a(self, name: str) -> bool:
        """Whether results of this kind are results of another one, too."""
        return name in (self.name, self.refines)


@dataclass(frozen=True)
class Written:
    """What came of a prediction that was written to a file.

    Parameters
    ----------
    path : Path
        Where it is.
    said : str
        What came of it, in words.
    value : Any
        The result, where it is held in memory.
    finished_before : bool
        Whether it was all there already.
    notes : tuple of str
        Sentences on what may mislead.
    has_page : bool
        Whether a page can be made of it, as of every result; a mere table of objects has none.
    """

    path: Path
    said: str = ""
    value: Any = None
    finished_before: bool = False
    notes: tuple[str, ...] = ()
    has_page: bool = True


@dataclass(frozen=True)
class Measured:
    """What came of an evaluation.

    Parameters
    ----------
    rows : list of dict
        The table: measures with their intervals.
    notes : tuple of str
        Sentences on what was left out, and on what may mislead.
    per_image : mapping of str to array, or None
        The measures of each image, where there are such.
    """

    rows: list[dict[str, Any]]
    notes: tuple[str, ...] = ()
    per_image: Mapping[str, Any] | None = None
