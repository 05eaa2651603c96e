"""The verb evaluate: a result against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import InputError, Kind, Measured
from coverslip.io import write_table
from coverslip.io.atomic import free_place, refuse_own
from coverslip.verbs.options import for_kind


def evaluate(
    result: Any, truth: Any = None, *, images: Any = None, seed: int = 0, **options: Any
) -> list[dict[str, Any]]:
    """Measure a result against the truth, with 95 % intervals.

    Of an embedding, probes are cross-validated and stand beside simple baselines; where a column ``split`` names a test
    part (or, without one, a validation part), they are trained on the training part and everything is scored on that
    one. What its model can give back of the images is measured too. Of labels, objects are matched with true ones, and
    pixels compared; of decompositions also whole objects, where the truth has layers of whole masks.

    Parameters
    ----------
    result : Embedding, LabelMap, ndarray, list of these labels, LabelFolder, str or Path
        What `predict` gave, or its file: a ``.h5ad``, a folder, a label image, an OME-Zarr image with labels.
    truth : str, Path or Sheet, optional
        For an embedding a sheet with the truth, matched by image (and frame); default: the embedding's own columns.
        For labels a sheet with the column ``mask`` (and ``layers``, stacks of whole masks as decompositions have them),
        a folder of masks, or one mask; also label maps and arrays, in the order of the result. Default: the masks of
        the sheet that was predicted on.
    images : optional
        Where the images are (their folder, if it has moved), for the baselines of an embedding; default: where
        provenance says.
    seed : int
        Decides folds and resampling.
    **options
        Those of the kind. Of an embedding ``label`` (the column of classes), ``group``, ``factors`` (columns for MIG
        and DCI), ``baseline`` and ``reconstruction``; of labels ``group``, ``split`` (measure only images of this
        part) and ``partial`` (leave out images that have no result).

    Returns
    -------
    list of dict
        Of an embedding ``features``, ``measure``, ``value``, ``low``, ``high``, ``n``, ``note``; of labels as
        `coverslip.measure.SegmentationEvaluation.records`.

    Raises
    ------
    InputError
        If a column is missing, or result and truth do not belong together.
    """
    return _measured(results.kind_of(result), result, truth, images, seed, options).rows


def evaluate_file(
    result: str | Path,
    truth: str | Path | None = None,
    *,
    images: str | Path | None = None,
    out: str | Path | None = None,
    per_image: str | Path | None = None,
    force: bool = False,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Measured:
    """Measure a result, and write the tables that are asked for.

    Parameters
    ----------
    result, truth, images, seed, options
        As for `evaluate`.
    out : str or Path, optional
        Where the table goes, ``.csv`` or ``.parquet``.
    per_image : str or Path, optional
        Where the measures of each image go, likewise.
    force : bool
        Replace files that are there.

    Returns
    -------
    Measured
        The table, and sentences on what was left out.
    """
    for path in (out, per_image):
        if path is not None:
            free_place(path, (".csv", ".parquet"), force)
            refuse_own(path, [Path(given) for given in (result, truth) if given is not None])
    kind = results.kind_of(result)
    if per_image is not None and not kind.is_a("labels"):
        raise InputError(f"{result} holds {kind.given}, which has no measures of single images; leave their table out.")
    measured = _measured(kind, result, truth, images, seed, options or {})
    if per_image is not None and measured.per_image is not None:
        write_table(measured.per_image, per_image)
    if out is not None:
        write_table({key: np.array([row[key] for row in measured.rows]) for key in measured.rows[0]}, out)
    return measured


def _measured(kind: Kind, result: Any, truth: Any, images: Any, seed: int, options: Mapping[str, Any]) -> Measured:
    named = result if isinstance(result, str | Path) else None
    own = for_kind(kind, "evaluate", options, "The result" if named is None else named)
    measured: Measured = kind.verb("evaluate")(result, truth, images, seed, own)
    return measured
