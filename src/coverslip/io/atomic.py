"""Writing that is never half done: a temporary name beside the target, renamed at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coverslip.core import InputError
from coverslip.io.places import check_place, explained, held, set_aside, temporary_name


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Write a file so that either all of it appears under its name or nothing does.

    Parameters
    ----------
    target : str or Path
        The file to write or to replace. Folders above it are made where missing.

    Yields
    ------
    Path
        A temporary name in the same folder (so the final rename cannot cross file systems) that ends like `target`,
        because writers choose the format by the suffix. Write there.

    Raises
    ------
    InputError
        If the folder cannot be written to, the disk is full, or another process writes there. The target is then as
        it was before.
    """
    target = Path(target)
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file to write.")
    temporary = temporary_name(target)
    with explained(target), held(target):
        try:
            yield temporary
            flush(temporary)
            os.replace(temporary, target)
            flush(target.parent)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Write a folder so that either all of it appears under its name or nothing does.

    Parameters
    ----------
    target : str or Path
        The folder to write.
    overwrite : bool
        Replace a folder that already holds something. What it held is removed only once the new one is complete.

    Yields
    ------
    Path
        An empty temporary folder beside `target`. Write there.

    Raises
    ------
    InputError
        If `target` holds something and `overwrite` is False, is a file, or cannot be written, or another process
        writes there.
    """
    target = Path(target)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; give the name of a folder to write.")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise InputError(f"{target} already holds something; choose another folder, or remove it first.")
    temporary = temporary_name(target)
    with explained(target), held(target):
        temporary.mkdir()
        try:
            yield temporary
            for path in temporary.rglob("*"):
                if path.is_file():
                    flush(path)
            replace_folder(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(path: str | Path, force: bool = False) -> None:
    """Refuse a place where something lies already, unless `force` says to replace it, or where nothing can be written.

    What a run that was killed there left is cleared, or put back, before.

    Raises
    ------
    InputError
        Naming the place, before any work was done for it.
    """
    path = Path(path)
    check_place(path)
    _refuse_taken(path, force)
    folder = next(above for above in (path.absolute().parents) if above.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(
            f"{path} could not be written ({error.strerror} in {folder}); choose another --out, or mend the "
            "permissions there."
        ) from error
    if folder == path.absolute().parent:
        with held(path):
            _refuse_taken(path, force)


def _refuse_taken(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise InputError(f"{path} exists already: choose another --out, or say --force to replace it.")


def refuse_own(path: str | Path, sources: Iterable[Path]) -> None:
    """Refuse a place that is, or holds, something that the result is made from, also where `force` was said.

    Raises
    ------
    InputError
        Naming both.
    """
    place = Path(path).resolve()
    if not place.exists():
        return
    for source in sources:
        file = source.resolve()
        if place == file:
            raise InputError(f"{path} is what the result is made from, so it is not replaced; choose another --out.")
        if place in file.parents:
            raise InputError(f"{path} holds {source} itself, so it is not replaced; choose another --out.")


def free_place(path: str | Path, endings: tuple[str, ...], force: bool = False) -> Path:
    """A place for a file, refused where it has another ending, or as `refuse_existing` does.

    Raises
    ------
    InputError
        Naming the place.
    """
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise InputError(f"'{path}' should end in {' or '.join(endings)}: the result is such a file.")
    refuse_existing(path, force)
    return path


def replace_folder(new: Path, target: Path) -> None:
    """Put the folder `new` in the place of `target`; a failure in between puts the old one back."""
    if not target.exists():
        os.replace(new, target)
        flush(target.parent)
        return
    old = set_aside(target)
    try:
        os.replace(new, target)
    except BaseException:
        os.replace(old, target)
        raise
    flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def flush(path: Path) -> None:
    """Ask the system to put a file or a folder on the disk, so that a power cut after the rename loses nothing."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    # Windows flushes only files that were opened for writing.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
