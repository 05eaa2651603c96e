"""Progress in a terminal as bars with the time left; in a log as a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from coverslip.core.progress import Task

_LINE_SECONDS = 10.0


def show_progress(description: str, total: int | None) -> Task:
    """Start a line of progress on standard error."""
    if sys.stderr.isatty():
        return _Bar(description, total)
    return _Lines(description, total)


class _Bar:
    """A bar that rich draws."""

    def __init__(self, description: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._id = self._progress.add_task(description, total=total, note="")
        self._progress.start()

    def advance(self, steps: int = 1, note: str = "") -> None:
        fields: dict[str, Any] = {"note": note} if note else {}
        self._progress.update(self._id, advance=steps, **fields)

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, description: str, total: int | None) -> None:
        self._description, self._total, self._done, self._note = description, total, 0, ""
        self._started = self._printed = time.monotonic()
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
        if time.monotonic() - self._started >= 1.0 or self._printed > self._started:
            self._print()

    def _print(self) -> None:
        now = time.monotonic()
        self._printed = now
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
