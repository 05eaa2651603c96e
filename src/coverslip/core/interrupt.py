"""Ctrl-C as a request: long work ends where it can go on later."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_signal(asked: threading.Event) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a request; the second ends the process as usual.

    Parameters
    ----------
    asked : threading.Event
        Set by the first; the work inside looks at it now and then. Signals reach the main thread only: in others
        nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
