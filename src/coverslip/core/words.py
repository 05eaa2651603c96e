"""Numbers of things in sentences."""

from __future__ import annotations


def number_of(count: int, one: str, several: str | None = None) -> str:
    """``1 image`` or ``1,234 images``; `several` is what more than one are called, where it is not `one` with an s."""
    return " ".join(counted(count, one, several))


def counted(count: int, one: str, several: str | None = None) -> tuple[str, str]:
    """The number and its noun apart, as pages show them: ``("1", "image")`` or ``("1,234", "images")``."""
    return f"{count:,}", word_for(count, one, several or f"{one}s")


def word_for(count: int, one: str, several: str) -> str:
    """What goes with a number that is said elsewhere: ``1 of 3 images`` `is`, ``2 of 3 images`` `are`."""
    return one if count == 1 else several
