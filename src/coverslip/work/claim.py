"""The place of a result that is made in one go: free for it, or with the finished result that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coverslip.core import Options, Written
from coverslip.io.atomic import free_place
from coverslip.models.folder import Model
from coverslip.models.record import asked_of, finished
from coverslip.work.asked import Asked


def claimed(
    out: Path,
    endings: tuple[str, ...],
    model: Model,
    inputs: str | Path,
    asked: Asked,
    options: Options,
    given: Mapping[str, Any],
) -> tuple[dict[str, Any], Written | None]:
    """What is asked for, as results note it, once `out` is free for it; and what lies there, if work is to go on.

    Parameters
    ----------
    out : Path
        Held by the caller.
    endings : tuple of str
        That it may have.
    model, inputs, asked, options, given
        As every kind of result is asked to predict.

    Raises
    ------
    InputError
        If something else lies there, or nothing can be written.
    """
    there = asked.resume and out.exists() and not asked.force
    if not there:
        free_place(out, endings, asked.force)
    wanted = asked_of(model, inputs, model.how(asked.input), options, given)
    return wanted, finished(out, wanted) if there else None
