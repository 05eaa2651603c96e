"""Pieces of work shared out among threads and devices."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from coverslip.core import CoverslipError
from coverslip.work.crew import Piece


def in_order(submit: Callable[[Piece], Any], pieces: Iterator[Piece], ahead: int) -> Generator[Any]:
    """Submit pieces, so many ahead of the result that is awaited.

    Where `pieces` themselves end in an error, the results of those before it come first.
    """
    waiting: deque[Any] = deque()
    failure = None
    try:
        while failure is None:
            try:
                waiting.append(submit(next(pieces)))
            except StopIteration:
                break
            except CoverslipError as error:
                failure = error
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure
    finally:
        for future in waiting:
            future.cancel()


class Threads:
    """Threads of this process, each with one of several tools.

    Parameters
    ----------
    tools : sequence
        One for each thread; the same one may serve several.
    do : callable
        As in `coverslip.work.crew.Trade`.
    inputs : Any
        What the pieces are about.
    """

    def __init__(self, tools: Sequence[Any], do: Callable[[Any, Any, tuple[int, ...], Any], Any], inputs: Any) -> None:
        self._do, self._inputs = do, inputs
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for tool in tools:
            self._free.put(tool)
        self._count = len(tools)
        self._pool = ThreadPoolExecutor(self._count)

    def found(self, pieces: Iterator[Piece]) -> Generator[Any]:
        """What comes of pieces, in their order."""
        # With one thread nothing is done ahead: it would need the memory of two.
        yield from in_order(self._submit, pieces, self._count + (self._count > 1))

    def close(self) -> None:
        """Wait for the pieces that are being worked on, and leave the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, piece: Piece) -> Any:
        # A single thread tells of its progress as if it were this one.
        run = copy_context().run if self._count == 1 else _call
        return self._pool.submit(run, self._done, piece)

    def _done(self, piece: Piece) -> Any:
        tool = self._free.get()
        try:
            return self._do(tool, self._inputs, piece.rows, piece.part)
        finally:
            self._free.put(tool)


def _call(function: Callable[[Piece], Any], piece: Piece) -> Any:
    return function(piece)
