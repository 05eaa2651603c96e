"""Keep memory that was freed, for the next step.

A training step allocates and frees the same large blocks again and again. glibc serves each with a fresh
`mmap` and returns it to the system, and the system zeroes every page anew; on two cores that costs a third
of an fp32 step. Serving them from the heap and keeping the heap makes each page be faulted in once.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_KEEP = 2**31 - 1


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory; returns whether it did. Does nothing elsewhere than on glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP))
