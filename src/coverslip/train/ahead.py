"""Batches made by another thread while the network works on those before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_AHEAD = 2


def made_ahead(
    make: Callable[[np.ndarray, np.random.SeedSequence], np.ndarray],
    rows: Sequence[np.ndarray],
    seeds: Sequence[np.random.SeedSequence],
) -> Iterator[np.ndarray]:
    """Yield ``make(rows[i], seeds[i])`` in order, two of them made before they are asked for.

    Parameters
    ----------
    make : callable
        Makes one batch; the seed decides all that is random in it.
    rows : sequence of ndarray of int
        The row numbers of each batch.
    seeds : sequence of SeedSequence
        As many.
    """
    with ThreadPoolExecutor(1) as maker:
        waiting = [maker.submit(make, r, s) for r, s in zip(rows[:_AHEAD], seeds[:_AHEAD], strict=True)]
        try:
            for i in range(len(rows)):
                batch = waiting.pop(0).result()
                if i + _AHEAD < len(rows):
                    waiting.append(maker.submit(make, rows[i + _AHEAD], seeds[i + _AHEAD]))
                yield batch
        finally:
            for future in waiting:
                future.cancel()
