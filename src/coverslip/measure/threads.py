"""Threads only where they pay."""

from __future__ import annotations

from contextlib import AbstractContextManager

# Values below which waiting for one another costs threads several times what they gain.
_SMALL = 1 << 21


def few_threads(size: int) -> AbstractContextManager[object]:
    """Keep numerical libraries to one thread while they work on arrays of so few values.

    Parameters
    ----------
    size : int
        Number of values worked on. Larger arrays leave the threads as they are.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(limits=1 if size < _SMALL else None)
