"""Blocks shared out among threads and devices."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from coverslip.core.errors import CoverslipError
from coverslip.core.fields import Fields
from coverslip.segmenting.blocks import Found, Job, Segmenter, find


class Workers(Protocol):
    """Something that finds objects in blocks."""

    def found(self, jobs: Iterator[Job]) -> Generator[Found]:
        """The results of jobs, in their order; the jobs are taken as they are needed."""

    def close(self) -> None:
        """Give back what was taken."""


def in_order(submit: Callable[[Job], Any], jobs: Iterator[Job], ahead: int) -> Generator[Found]:
    """Submit jobs, so many ahead of the result that is awaited.

    Where `jobs` themselves end in an error, the results of those before it come first.
    """
    waiting: deque[Any] = deque()
    failure = None
    try:
        while failure is None:
            try:
                waiting.append(submit(next(jobs)))
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
    """Threads of this process, each with one of several segmenters.

    Parameters
    ----------
    segmenters : sequence of Segmenter
        One for each thread; the same one may serve several.
    fields : Fields
        What the jobs are about.
    probability : bool
        Whether the foreground probability is wanted.
    """

    def __init__(self, segmenters: Sequence[Segmenter], fields: Fields, probability: bool) -> None:
        self._fields, self._probability = fields, probability
        self._free: queue.SimpleQueue[Segmenter] = queue.SimpleQueue()
        for segmenter in segmenters:
            self._free.put(segmenter)
        self._count = len(segmenters)
        self._pool = ThreadPoolExecutor(self._count)

    def found(self, jobs: Iterator[Job]) -> Generator[Found]:
        """The results of jobs, in their order."""
        # With one thread nothing is done ahead: it would need the memory of two.
        yield from in_order(lambda job: self._pool.submit(self._find, job), jobs, self._count + (self._count > 1))

    def close(self) -> None:
        """Wait for the blocks that are being worked on, and leave the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _find(self, job: Job) -> Found:
        segmenter = self._free.get()
        try:
            return find(segmenter, self._fields, job, self._probability)
        finally:
            self._free.put(segmenter)
