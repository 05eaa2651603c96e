"""Places that results are written to: one run at a time holds each, and what a killed one left there is cleared."""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from coverslip.core import InputError

_LONGEST_NAME, _LONGEST_PATH = 255, 4096
"""Bytes that file systems and Linux take."""
_RESERVED = 48
"""Bytes that names of temporary and unfinished things, and endings of what is made of an image, add to a name."""
_HELD: dict[Path, tuple[int, Any]] = {}
_GUARD = threading.Lock()


@contextmanager
def held(target: str | Path) -> Iterator[None]:
    """Hold a place while it is written to; whatever a run that was killed there left behind is cleared first.

    The lock is that of the system, on a hidden file beside `target`, so it ends with the process. It may be taken again
    inside.

    Raises
    ------
    InputError
        If another process holds it: which one, where, since when.
    """
    place = _place(Path(target))
    made = [folder for folder in place.parents if not folder.exists()]
    try:
        with explained(place), _GUARD:
            place.parent.mkdir(parents=True, exist_ok=True)
            depth, lock = _HELD.get(place) or (0, _acquired(place))
            _HELD[place] = depth + 1, lock
        try:
            yield
        finally:
            with _GUARD:
                depth, lock = _HELD[place]
                if depth > 1:
                    _HELD[place] = depth - 1, lock
                else:
                    del _HELD[place]
                    _release(place, lock)
    finally:
        for folder in made:  # of a run that came to nothing
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn what the system says of a failed writing into a sentence about `target`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{target} could not be written ({reason}); check the space and the permissions there."
        ) from error


def temporary_name(target: Path) -> Path:
    """A hidden name beside `target` that ends like it; `held` knows it as litter."""
    return target.with_name(f".new-{uuid.uuid4().hex[:8]}-{target.name}")


def set_aside(target: Path) -> Path:
    """Move what is at `target` to a hidden name beside it; `held` puts it back where nothing has taken its place."""
    aside = target.with_name(f".old-{uuid.uuid4().hex[:8]}-{target.name}")
    os.replace(target, aside)
    return aside


def remove_unfinished(folder: Path) -> None:
    """Remove the folder of unfinished work, ``OUT.fitting`` or ``OUT.predicting``; cut short, it is gone all the same.

    To be called while ``OUT`` is held.
    """
    if folder.exists():
        gone = temporary_name(folder.with_suffix(""))
        os.replace(folder, gone)
        shutil.rmtree(gone, ignore_errors=True)


def check_place(path: Path) -> None:
    """Refuse a name that cannot be kept in tables, or is too long for what is written beside it.

    Raises
    ------
    InputError
        Before any work.
    """
    check_text(path)
    check_length(path.name)
    if path.name in ("", ".."):
        raise InputError(f"'{path}' is a folder that is there already; give the name of what is to be written.")
    check_length(str(path.absolute()), _LONGEST_PATH)


def check_length(name: str, most: int = _LONGEST_NAME) -> None:
    """Refuse a name that leaves no room for the endings of what is made of it.

    Raises
    ------
    InputError
        Showing how it begins.
    """
    length = len(os.fsencode(name))
    if length + _RESERVED > most:
        raise InputError(
            f"The name '{name[:40]}…' is too long: it has {length} bytes, the endings of what is written need "
            f"{_RESERVED} more, and together {most} are possible; choose a shorter one."
        )


def check_text(path: str | Path) -> None:
    """Refuse a path that is no text, of several lines, or longer than any file's: no table or system could hold it.

    Raises
    ------
    InputError
        Showing the name with escapes.
    """
    text = str(path)
    if not text.isprintable() and any(
        unicodedata.category(c) == "Cs" or c in "\0\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029" for c in text
    ):
        shown = ascii(text)[1:-1]
        raise InputError(f"The name '{shown}' holds bytes that are no text, or a line break; rename it.")
    if len(text) > _LONGEST_NAME // 4 and any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(text).parts):
        raise InputError(
            f"'{text[:40]}…' is no name of a file: it is longer than {_LONGEST_NAME} bytes; mend the path."
        )


def _place(target: Path) -> Path:
    target = Path(os.path.abspath(target))
    return Path(os.path.realpath(target.parent)) / target.name


def _lock_file(place: Path) -> Path:
    return place.with_name(f".lock-{place.name}")


def _acquired(place: Path) -> Any:
    from filelock import FileLock, Timeout

    file = _lock_file(place)
    left_behind = file.exists()
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not file.exists():  # it could not even be made
            raise InputError(f"{place} could not be written; check the space and the permissions there.") from None
        raise InputError(
            f"{place} is being written by {_holder(file)}; wait until that is done, or choose another place."
        ) from None
    facts = {"pid": os.getpid(), "host": platform.node(), "since": _now()}
    with suppress(OSError):  # Windows locks its bytes, too
        if file.read_bytes()[:1] in (b"", b"{"):  # where the file system has no locks, the library notes its own
            file.write_text(json.dumps(facts), encoding="utf-8")
    if left_behind:
        _clear(place)
    return lock


def _release(place: Path, lock: Any) -> None:
    # Removed while it is held; who opened it in the meantime sees that it is gone, and makes another.
    with suppress(OSError):
        _lock_file(place).unlink(missing_ok=True)
    lock.release()


def _holder(file: Path) -> str:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        return f"process {facts['pid']} on {facts['host']} since {facts['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _now() -> str:
    from datetime import datetime

    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")


def _clear(place: Path) -> None:
    """Put back what was set aside where nothing has taken its place, and remove all else that was left."""
    old = _hidden(place, "old")
    if old and not place.exists():
        os.replace(old.pop(), place)
    for path in (*old, *_hidden(place, "new")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _hidden(place: Path, kind: str) -> list[Path]:
    head = len(f".{kind}-12345678-")
    with os.scandir(place.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(f".{kind}-")]
    return [place.with_name(name) for name in names if name[head:] == place.name]
