"""Batches made by another thread while the network works on those before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_AHEAD = 2


def made_ahead(make: Callable[..., T], *arguments: Sequence[Any]) -> Iterator[T]:
    """Yield what a function makes of each row of arguments, in order, two of them made before they are asked for.

    Parameters
    ----------
    make : callable
        Makes one batch.
    *arguments : sequence
        One for each parameter of `make`, such as row numbers and seeds, all of one length.
    """
    jobs = list(zip(*arguments, strict=True))
    with ThreadPoolExecutor(1) as maker:
        waiting = [maker.submit(make, *job) for job in jobs[:_AHEAD]]
        try:
            for i in range(len(jobs)):
                batch = waiting.pop(0).result()
                if i + _AHEAD < len(jobs):
                    waiting.append(maker.submit(make, *jobs[i + _AHEAD]))
                yield batch
        finally:
            for future in waiting:
                future.cancel()
