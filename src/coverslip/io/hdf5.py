"""HDF5 files that may be damaged: the library that reads them hangs, dies or takes gigabytes on some.

Files of ours end with a hash of all before it. HDF5 reads past such an end, and cuts it off when another program
changes the file; then, as with files of others, all of it is read in a process apart first, in bounded time and memory.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from coverslip.core import InputError

_MARK = b"\ncoverslip sha256 "
_LENGTH = len(_MARK) + 64 + 1
_SECONDS, _BYTES_PER_SECOND = 10, 20 << 20


def seal(content: memoryview | bytes) -> bytes:
    """The end of a file with this content."""
    return _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def refuse_damaged(path: Path) -> None:
    """Refuse a file that is not as it was written, or that cannot be read through.

    Raises
    ------
    InputError
        With the reason; the same file is looked at once.
    """
    sealed = _seal_holds(path)
    reason = "" if sealed else "it is not as it was written"
    if sealed is None:
        facts = path.stat()
        reason = _fault_apart(path.absolute(), facts.st_size, facts.st_mtime_ns)
    if reason:
        raise InputError(f"{path} is damaged ({reason}); copy it again from its source, or make it again.")


def _seal_holds(path: Path) -> bool | None:
    """Whether a file is what its end says; None where it says nothing."""
    left = path.stat().st_size - _LENGTH
    with open(path, "rb") as file:
        file.seek(max(left, 0))
        end = file.read(_LENGTH)
        if not end.startswith(_MARK):
            return None
        file.seek(0)
        digest = hashlib.sha256()
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    return end == _MARK + digest.hexdigest().encode() + b"\n"


@lru_cache(maxsize=64)
def _fault_apart(path: Path, size: int, changed: int) -> str:
    """Read it all in a process that may die of it; what it ended with, or nothing."""
    reader = Path(__file__).with_name("hdf5_reader.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # each of its threads would reserve memory
    try:
        done = subprocess.run(
            [sys.executable, str(reader), str(path)],
            capture_output=True,
            env=environment,
            timeout=_SECONDS + size / _BYTES_PER_SECOND,
        )
    except subprocess.TimeoutExpired:
        return "reading it does not end"
    if done.returncode < 0:
        return "reading it ends the process"
    said = done.stdout.decode(errors="replace").strip()
    return "" if done.returncode == 0 else said or "it cannot be read"
