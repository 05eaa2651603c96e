"""Progress in a terminal as bars with the time left; in a log as a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coverslip.cli.plain import escaped
from coverslip.core import Task, reporting

if TYPE_CHECKING:
    from rich.progress import Progress

_LINE_SECONDS = 10.0  # between two lines
_WORTH_SECONDS = 1.0  # what ends sooner is not spoken of


@contextmanager
def shown_progress() -> Iterator[None]:
    """Show the progress of everything inside on standard error; whatever happens, the terminal is left as it was."""
    if not sys.stderr.isatty():
        with reporting(_Lines):
            yield
        return
    bars = _Bars()
    try:
        with reporting(bars.start):
            yield
    finally:
        bars.stop()


class _Bars:
    """The bars of everything that goes on at once, drawn by rich."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._open = 0

    def start(self, description: str, total: int | None) -> Task:
        if self._progress is None:
            self._progress = _rich_progress()
            self._progress.start()
        self._open += 1
        return _Bar(self, self._progress, description, total)

    def ended(self, progress: Progress, number: Any) -> None:
        if progress is not self._progress:  # stopped already
            return
        self._open -= 1
        if self._open:
            progress.remove_task(number)  # one of many parts: it makes room for the next
        else:
            self.stop()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._open = None, 0


class _Bar:
    """One of the bars."""

    def __init__(self, bars: _Bars, progress: Progress, description: str, total: int | None) -> None:
        self._bars, self._progress, self._closed = bars, progress, False
        self._number = progress.add_task(escaped(description), total=total, note="")

    def advance(self, steps: int = 1, note: str = "") -> None:
        fields: dict[str, Any] = {"note": escaped(note)} if note else {}
        self._progress.update(self._number, advance=steps, **fields)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._bars.ended(self._progress, self._number)


def _rich_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<18}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
        console=Console(file=getattr(sys.stderr, "stream", sys.stderr)),
        refresh_per_second=4,
    )


class _Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, description: str, total: int | None) -> None:
        self._description, self._total, self._done, self._note = description, total, 0, ""
        self._started = self._printed = time.monotonic()
        self._told: int | None = None  # what the last line said was done
        self._skipped = 0  # done before this line began, such as the epochs before a resume
        self._first = True

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._done += steps
        self._note = note or self._note
        if self._first:
            self._first, self._skipped = False, self._done if steps > 1 else 0
        if time.monotonic() - self._printed >= _LINE_SECONDS:
            self._print()

    def close(self) -> None:
        if self._told != self._done and (self._told is not None or time.monotonic() - self._started >= _WORTH_SECONDS):
            self._print()

    def _print(self) -> None:
        now = time.monotonic()
        self._printed, self._told = now, self._done
        parts = [f"{self._description}: {self._done}"]
        if self._total:
            parts[0] += f" of {self._total}"
            fresh = self._done - self._skipped
            if fresh > 0 and self._done < self._total:
                left = (now - self._started) / fresh * (self._total - self._done)
                parts.append(f"about {_duration(left)} left")
        print(", ".join(parts) + (f"  [{self._note}]" if self._note else ""), file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
