"""Numbers of things in sentences."""

from __future__ import annotations


def number_of(count: int, one: str, several: str | None = None) -> str:
    """``1 image`` or ``1,234 images``; `several` is what more than one are called, where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
