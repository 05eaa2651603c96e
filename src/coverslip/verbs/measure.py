"""The verb measure: the objects of labels that are there already, measured in their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import Kind, Written
from coverslip.verbs.options import for_kind


def measure_labels(
    labels: Any,
    images: str | Path | None = None,
    *,
    channels: Sequence[str | int] | None = None,
    planes: str | int | None = None,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Measure the objects of any labels: those of a result, corrected by hand or not, or of another program.

    Parameters
    ----------
    labels : LabelFolder, str or Path
        A folder of labels, a sheet with the columns ``image`` and ``mask``, a folder of label images of another
        program, or one label image.
    images : str or Path, optional
        Where the images are: their folder, a sheet, or one image. Default: those that the labels name. Label images
        that name none are of the image of the same name.
    channels, planes
        As for `coverslip.fit`; default: as when the labels were made, else all channels.
    **options
        ``ring``, the width of a ring around each object, and ``grow``, how far each is grown to a cell, in ``unit``
        (``"px"`` or ``"um"``): see `coverslip.measure.ring_table`.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        A row per object: what tells its image apart (``image``), the columns of `coverslip.measure.object_table`, and
        those of `coverslip.measure.ring_table`.

    Raises
    ------
    InputError
        If labels and images do not belong together, or one cannot be read.

    Notes
    -----
    For arrays there are `coverslip.measure.object_table` and `coverslip.measure.ring_table`.
    """
    kind, own = _kind_and_options(labels, options)
    found: dict[str, np.ndarray] = kind.verb("measure")(labels, images, _given(channels, planes), own)
    return found


def measure_to_file(
    labels: str | Path,
    images: str | Path | None = None,
    out: str | Path | None = None,
    *,
    force: bool = False,
    channels: Sequence[str | int] | None = None,
    planes: str | int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Written:
    """Measure the objects of labels and write the table.

    Parameters
    ----------
    labels, images, channels, planes, options
        As for `measure_labels`.
    out : str or Path, optional
        A ``.csv`` or ``.parquet``. Default: the table of the result itself is renewed; for labels of other programs
        ``<name>.objects.csv`` in the current folder.
    force : bool
        Replace what is there, and further columns of the result's own table where labels have changed.

    Returns
    -------
    Written
        Where the table is, and what came of it in words.
    """
    kind, own = _kind_and_options(labels, options or {})
    written: Written = kind.verb("measure_to_file")(labels, images, out, force, _given(channels, planes), own)
    return written


def _kind_and_options(labels: Any, options: Mapping[str, Any]) -> tuple[Kind, Any]:
    kind = results.kind_of(labels)
    named = labels if isinstance(labels, str | Path) else "The result"
    kind.verb("measure")
    return kind, for_kind(kind, "measure", options, named)


def _given(channels: Sequence[str | int] | None, planes: str | int | None) -> dict[str, Any]:
    said = {"channels": None if channels is None else list(channels), "planes": planes}
    return {name: value for name, value in said.items() if value is not None}
