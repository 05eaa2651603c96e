"""The user's columns and ours in one table: nothing of the user's is replaced.

A column that a sheet has already keeps its name and what it holds; ours of that name stands beside it, with
``coverslip_`` in front.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TypeVar

_OURS = "coverslip_"

Column = TypeVar("Column")


def free_name(name: str, taken: Container[str]) -> str:
    """What a column of ours is called in a table that has these already."""
    while name in taken:
        name = _OURS + name
    return name


def own_name(name: str, columns: Container[str]) -> str:
    """What a column of ours is called in a table that was written so."""
    while _OURS + name in columns:
        name = _OURS + name
    return name


def beside(theirs: Mapping[str, Column], ours: Mapping[str, Column]) -> dict[str, Column]:
    """The user's columns and ours, none of them replaced."""
    return {**theirs, **{free_name(name, theirs): column for name, column in ours.items()}}


def renamed(before: Container[str], after: Iterable[str]) -> tuple[str, ...]:
    """A sentence on the columns that a table had `before` and that are called like ours; none if there are none."""
    ours = [name for name in after if name not in before and name.startswith(_OURS)]
    if not ours:
        return ()
    theirs = ", ".join(f"'{name.removeprefix(_OURS)}'" for name in ours)
    if len(ours) == 1:
        return (f"The sheet has a column {theirs} of its own, which is kept; the one found is called {ours[0]}.",)
    return (f"The sheet has columns {theirs} of its own, which are kept; those found are called {', '.join(ours)}.",)
