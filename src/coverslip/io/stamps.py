"""What tells a file from itself once it has changed, without reading it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """How large something is, and when it was changed.

    Parameters
    ----------
    size : int
        Bytes.
    changed : int
        Nanoseconds, as the file system counts them.
    """

    size: int
    changed: int


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file, or of a folder such as a .zarr: what all files in it sum up to; zeros where nothing is.

    A folder says itself when files come and go in it, not when one of them is written anew; and of the times the sum
    is taken rather than the latest, since what is copied into it may be old.
    """
    if path.is_dir():
        each = list(_in_folder(os.fspath(path)))
        return Stamp(sum(one.st_size for one in each), sum(one.st_mtime_ns for one in each))
    if not path.is_file():
        return Stamp(0, 0)
    facts = path.stat()
    return Stamp(facts.st_size, facts.st_mtime_ns)


def _in_folder(folder: str) -> Iterator[os.stat_result]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):  # a link to a folder above would never end
                yield from _in_folder(entry.path)
            elif entry.is_file():
                yield entry.stat()
