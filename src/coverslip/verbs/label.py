"""The verb label: clusters that were named become labels of cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coverslip import results
from coverslip.core import InputError, Written, about
from coverslip.models.folder import is_model_folder
from coverslip.models.loading import load
from coverslip.verbs.options import for_kind


def label(
    named: str | Path,
    cells: str | Path,
    names: str | Path,
    out: str | Path = "labels.parquet",
    *,
    force: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Written:
    """Give cells the names of their clusters, and say how sure each is.

    Parameters
    ----------
    named : str or Path
        Whose clusters were named: the result that the page was made of, or a model that has clusters of its own.
    cells : str or Path
        The result to label: that one, or other cells embedded by the same model.
    names : str or Path
        The JSON that the page exports, or ``{"names": {"1": "G1", "2": "G2", "3": ""}}``: equal names merge clusters,
        and clusters without one stay without a label.
    out : str or Path
        A ``.parquet``, which can be fitted to (``coverslip fit probe``); a ``.csv``, which is a sample sheet with the
        column ``label``; or an ``.h5ad``, the result itself with these columns, for the page.
    force : bool
        Replace what is there.
    options : mapping, optional
        ``look``: how many cells worth a look are numbered.

    Returns
    -------
    Written
        Where it is, and what came of it in words.

    Raises
    ------
    InputError
        If names, clusters and cells do not belong together.
    """
    if Path(cells).suffix.lower() == ".csv":
        raise InputError(
            f"{cells} is a table of images, not a result: embed them (coverslip predict MODEL {cells} --out "
            "cells.h5ad), and label that."
        )
    kind, found = results.opened(cells)
    own = for_kind(kind, "label", options or {}, cells)
    to_label = kind.verb("label")
    if is_model_folder(named):
        reference: Any = load(named)
    elif Path(named).resolve() == Path(cells).resolve():
        reference = found
    else:
        other, reference = results.opened(named)
        if other.name != kind.name:
            raise InputError(
                f"{named} holds {other.given}, and {cells} {kind.given}: give the result whose clusters were named, or "
                "a model that has clusters of its own."
            )
    with about(cells):
        written: Written = to_label(reference, found, names, Path(out), force, own, Path(cells))
    return written
