"""A result against the truth: embeddings beside simple baselines, label images object by object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coverslip.core.errors import InputError
from coverslip.core.results import Embedding


def evaluate(
    result: Any,
    truth: Any = None,
    *,
    label: str = "label",
    group: str | None = None,
    factors: Sequence[str] = (),
    baseline: bool = True,
    images: Any = None,
    split: str | None = None,
    partial: bool = False,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measure a result against the truth, with 95 % intervals.

    Of an embedding, probes are cross-validated and stand beside simple baselines; where a column ``split`` names a test
    part (or, without one, a validation part), they are trained on the training part and everything is scored on that
    one. Of labels, objects are matched with true ones, and pixels compared.

    Parameters
    ----------
    result : Embedding, LabelMap, ndarray, list of these labels, LabelFolder, str or Path
        What `predict` gave; labels also as their files: a folder, a label image, an OME-Zarr image with labels.
    truth : str, Path or Sheet, optional
        For an embedding a sheet with the truth, matched by image (and frame); default: the embedding's own columns.
        For labels a sheet with the column ``mask``, a folder of masks, or one mask; also label maps and arrays, in the
        order of the result. Default: the masks of the sheet that was predicted on.
    label : str
        Column that holds the classes of an embedding; rows without one are left out.
    group : str, optional
        Column with groups that are never divided, and resampled whole. Without it, the first of ``group``, ``plate``
        and ``source_image`` that has at least five groups counts.
    factors : sequence of str
        Columns with known factors, for MIG and DCI of an embedding.
    baseline : bool
        Measure PCA of the pixels, of the embedding's size, and the raw pixels alike.
    images : optional
        Where the images are, for the baselines; default: where provenance says.
    split : str, optional
        For labels: measure only images whose column ``split`` is this, such as ``"val"``.
    partial : bool
        For labels: leave out images of the truth that have no result, instead of refusing.
    seed : int
        Decides folds and resampling.

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
    if isinstance(result, Embedding):
        if split is not None or partial:
            raise InputError("An embedding is scored on the parts of its column 'split'; leave split and partial out.")
        from coverslip.evaluation.embeddings import measure_embedding

        return measure_embedding(
            result, truth, label=label, group=group, factors=factors, baseline=baseline, images=images, seed=seed
        )
    if factors:
        raise InputError("Factors are for embeddings; leave them out to measure labels.")
    from coverslip.evaluation.labels import measure_labels

    return measure_labels(result, truth, group=group, split=split, partial=partial, seed=seed)[0].records()
