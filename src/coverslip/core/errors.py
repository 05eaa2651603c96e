"""Errors a user can mend: one sentence that says what is wrong, where, and how to put it right.

The command line prints the sentence and exits with code 2; Python callers catch `CoverslipError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager


class CoverslipError(Exception):
    """Something the user can mend. `str(error)` is one sentence, ready to be shown."""


class InputError(CoverslipError, ValueError):
    """A file, a sheet, an array or an option does not hold what is needed."""


class ModelError(CoverslipError):
    """A model folder is damaged, was edited, or does not fit what is asked of it."""


class MissingExtra(CoverslipError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""


class Stopped(CoverslipError):
    """Long work was interrupted; what was done is saved and the message says how to go on."""


_FILE_FIRST = re.compile(r"'?[^\s:']+\.[A-Za-z]\w*'?[\s:,]")


@contextmanager
def about(name: object | None) -> Iterator[None]:
    """Put the name of a file before complaints about its content, where they were raised without knowing of files.

    Parameters
    ----------
    name : path or None
        What the work inside is about; None changes nothing, nor is a complaint changed that names it, or any path,
        or that begins with a file of its own, such as ``names.json holds no name``.
    """
    try:
        yield
    except InputError as error:
        said = str(error)
        if name is None or os.sep in said or said.startswith((f"{name}:", f"{name} ")) or _FILE_FIRST.match(said):
            raise
        raise InputError(f"{name}: {error}") from error
