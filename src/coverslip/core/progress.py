"""Progress on long work, without tying anyone to a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Task(Protocol):
    """One line of progress."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Report `steps` more steps done, with a short note such as the current loss."""

    def close(self) -> None:
        """Report the end."""


class _Silent:
    def advance(self, steps: int = 1, note: str = "") -> None: ...

    def close(self) -> None: ...


Reporter = Callable[[str, int | None], Task]
"""Called with a description and the number of steps (None: unknown)."""

_reporter: ContextVar[Reporter | None] = ContextVar("coverslip_progress", default=None)


@contextmanager
def reporting(reporter: Reporter | None) -> Iterator[None]:
    """Send the progress of everything inside to `reporter`; the command line sets one that draws bars."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def task(description: str, total: int | None = None) -> Task:
    """Start one line of progress. Silent unless someone listens."""
    reporter = _reporter.get()
    return reporter(description, total) if reporter is not None else _Silent()


_pulse: ContextVar[Callable[[], None] | None] = ContextVar("coverslip_pulse", default=None)


@contextmanager
def pulsing(beat: Callable[[], None]) -> Iterator[None]:
    """Have `beat` called often by the work inside, which knows no lines of progress; it stops the work by raising."""
    token = _pulse.set(beat)
    try:
        yield
    finally:
        _pulse.reset(token)


def pulse() -> None:
    """Say that long work goes on: called at each small step of it, such as a tile that a network has seen."""
    beat = _pulse.get()
    if beat is not None:
        beat()


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate with progress.

    Parameters
    ----------
    items : iterable
        Passed through.
    description : str
        What is being done, such as ``"Reading images"``.
    total : int, optional
        How many there are; taken from ``len(items)`` where it has one.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    line = task(description, total)
    try:
        for item in items:
            yield item
            line.advance()
    finally:
        line.close()
