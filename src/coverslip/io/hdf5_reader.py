"""A program: reads all of an HDF5 file, piece by piece, within bounded memory; see `coverslip.io.hdf5`."""

from __future__ import annotations

import os
import sys
from typing import Any

_AT_ONCE = 32 << 20
_FIXED = 1 << 30


def read_through(path: str) -> None:
    """Read every dataset and every attribute of a file."""
    import h5py

    with h5py.File(path) as file:
        _look("", file)
        file.visititems(_look)


def _look(name: str, item: Any) -> None:
    for value in item.attrs.values():
        del value
    if not hasattr(item, "shape"):
        return
    if not item.shape:  # a single value, or none
        item[()]
        return
    step = max(1, _AT_ONCE * item.shape[0] // max(item.nbytes, 1))
    for start in range(0, item.shape[0], step):
        item[start : start + step]


def _bound_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    most = _FIXED + 3 * size
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, whose modules are called like those of the standard library
    _bound_memory(os.path.getsize(sys.argv[1]))
    try:
        read_through(sys.argv[1])
    except BaseException as error:
        print((str(error).splitlines() or [type(error).__name__])[0][:160])
        sys.exit(1)
