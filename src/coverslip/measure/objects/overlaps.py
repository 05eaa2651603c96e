"""Which objects of two label images share how many pixels: the one table that every measure of objects takes.

Labels come in runs: along a row of pixels the pair (truth, prediction) seldom changes. Only the runs are sorted and
summed, so that a pixel costs two comparisons, whatever the labels are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from coverslip.core import InputError

# Pixels looked at together: small enough for the cache of a processor and for the memory of any image.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Overlap:
    """The pixels that true and predicted objects have in common; only pairs that share any are kept.

    Parameters
    ----------
    truth_ids, prediction_ids : ndarray of int, shapes (N,) and (M,)
        Labels of the objects as they are in the images, ascending, background left out.
    truth_areas, prediction_areas : ndarray of int64, shapes (N,) and (M,)
        Pixels of each object.
    truth, prediction : ndarray of int, shape (R,)
        One pair per row: positions in `truth_ids` and `prediction_ids`; sorted by truth, then by prediction.
    intersection : ndarray of int64, shape (R,)
        Pixels that the two share; at least 1.
    pixels : int
        Pixels of the image, background included.
    disjoint : bool
        Whether no two objects of one side share a pixel, as in label images.
    """

    truth_ids: np.ndarray = field(repr=False)
    prediction_ids: np.ndarray = field(repr=False)
    truth_areas: np.ndarray = field(repr=False)
    prediction_areas: np.ndarray = field(repr=False)
    truth: np.ndarray = field(repr=False)
    prediction: np.ndarray = field(repr=False)
    intersection: np.ndarray = field(repr=False)
    pixels: int
    disjoint: bool = True

    @property
    def n_true(self) -> int:
        """Number of true objects, N."""
        return len(self.truth_ids)

    @property
    def n_predicted(self) -> int:
        """Number of predicted objects, M."""
        return len(self.prediction_ids)

    @cached_property
    def union(self) -> np.ndarray:
        """Pixels that either of the two has, ``(R,)`` int64."""
        return self.truth_areas[self.truth] + self.prediction_areas[self.prediction] - self.intersection

    @cached_property
    def iou(self) -> np.ndarray:
        """Intersection over union of each pair, ``(R,)`` float64.

        A quotient of whole numbers, rounded once: it equals a decimal such as 0.55 exactly where the true ratio does.
        """
        return self.intersection / self.union


def overlap(truth: Any, prediction: Any) -> Overlap:
    """Count the pixels that true and predicted objects share.

    Parameters
    ----------
    truth, prediction : array of int, shape (H, W)
        Label images of one size: 0 is background, each object has its own positive number; of any integer type, in
        any order, with gaps.

    Returns
    -------
    Overlap
        What the measures of objects and pixels take.

    Raises
    ------
    InputError
        If the sizes differ, or the labels are no whole numbers or negative.
    """
    images = [_checked(truth, "truth"), _checked(prediction, "prediction")]
    if images[0].shape != images[1].shape:
        shapes = [" x ".join(map(str, image.shape)) for image in images]
        raise InputError(
            f"The truth has {shapes[0]} pixels but the prediction {shapes[1]}; give labels of the same image."
        )
    blocks = [_pairs(*_sums(*runs)) for runs in _runs(*images)]
    if not blocks:
        raise InputError("The label images have no pixels; give images that have some.")
    joined = blocks[0] if len(blocks) == 1 else tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))
    truth_ids, prediction_ids, table = _sums(*joined)
    truth_areas, prediction_areas = np.asarray(table.sum(axis=1)), np.asarray(table.sum(axis=0))
    pairs = table.tocoo()
    both = (pairs.row > 0) & (pairs.col > 0)
    return Overlap(
        truth_ids[1:],
        prediction_ids[1:],
        truth_areas[1:],
        prediction_areas[1:],
        pairs.row[both].astype(np.intp) - 1,
        pairs.col[both].astype(np.intp) - 1,
        pairs.data[both],
        images[0].size,
    )


def _checked(labels: Any, name: str) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    if labels.dtype.kind not in "iu" or labels.ndim == 0:
        raise InputError(
            f"The {name} must be an image of whole numbers, one for each object, not {labels.dtype} {labels.shape}."
        )
    return labels


def _runs(truth: np.ndarray, prediction: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Label pairs and the number of pixels over which they stay the same, for one block of rows after the other."""
    rows = max(1, _BLOCK // max(1, truth[:1].size))
    for start in range(0, len(truth), rows):
        t, p = (np.ascontiguousarray(image[start : start + rows]).ravel() for image in (truth, prediction))
        if not t.size:
            return
        changes = np.ones(t.size, dtype=bool)
        np.not_equal(t[1:], t[:-1], out=changes[1:])
        changes[1:] |= p[1:] != p[:-1]
        starts = np.flatnonzero(changes)
        yield t[starts], p[starts], np.diff(starts, append=t.size)


def _sums(truth: np.ndarray, prediction: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
    """Counts summed by pair: the labels in ascending order, background first, and a sparse table of them."""
    from scipy.sparse import coo_array

    (truth_ids, rows), (prediction_ids, columns) = (_numbered(labels) for labels in (truth, prediction))
    shape = len(truth_ids), len(prediction_ids)
    return truth_ids, prediction_ids, coo_array((counts, (rows, columns)), shape=shape).tocsr()


def _pairs(truth_ids: np.ndarray, prediction_ids: np.ndarray, table: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pairs = table.tocoo()
    return truth_ids[pairs.row], prediction_ids[pairs.col], pairs.data


def _numbered(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different labels, background among them whether it occurs or not, and the position of each one given."""
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise InputError(f"There is a negative label ({low}); objects are numbered from 1, background is 0.")
    if high < 8 * len(labels) + (1 << 16):  # a table of all labels up to the highest is quicker than sorting
        occurs = np.zeros(high + 1, dtype=bool)
        occurs[labels] = occurs[0] = True
        return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[labels]
    ids, positions = np.unique(labels, return_inverse=True)
    return (ids, positions) if low == 0 else (np.concatenate([ids[:1] * 0, ids]), positions + 1)
