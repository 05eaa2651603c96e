"""Which objects of label images are right, and which images to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, about, track
from coverslip.core.words import number_of, word_for
from coverslip.measure.objects.segmentation import SegmentationEvaluation, evaluate_labels
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.objects import Table
from coverslip.results.labels.pairs import Labelled, labelled, own_truth, paired
from coverslip.samples.sheets.splits import split_word

ODD = 3.5
"""Robust standard deviations from which an object is called odd; the customary limit."""


@dataclass(frozen=True)
class Judged:
    """What is known of the objects of one image.

    Parameters
    ----------
    right, false : ndarray of int
        Labels that are as they should be, and those that are not (or odd, without a truth).
    truth : Labelled or None
        The true labels.
    missed : ndarray of int
        True labels that were not found.
    true_areas : ndarray of int
        Areas of all true objects, pixels.
    pixel_area : float
        µm² per pixel, NaN where it is unknown.
    """

    right: np.ndarray
    false: np.ndarray
    truth: Labelled | None = None
    missed: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    true_areas: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pixel_area: float = float("nan")


def pairs_of(found: LabelFolder, truth: Any, partial: bool, notes: list[str]) -> dict[int, Labelled]:
    """Rows of the result with the true labels of each; none where no truth is known, with a note where one was.

    Parameters
    ----------
    found : LabelFolder
        The result.
    truth, partial
        As for `coverslip.evaluate`.
    notes : list of str
        Sentences for the reader are added here.
    """
    mine = labelled(found, "result")
    if truth is None:
        named = [file for i in range(len(found)) if (file := found.file(i, "source_mask"))]
        if not named:
            return {}
        gone = next((file for file in named if not file.exists()), None)
        if gone is not None:
            notes.append(f"Nothing is measured, because the masks of the sheet have moved: there is no {gone}.")
            return {}
        true = own_truth(mine)
    else:
        true = labelled(truth, "truth")
    row_of = {id(labels): i for i, labels in enumerate(mine)}
    pairs = {row_of[id(one)]: other for one, other in paired(mine, true, partial)}
    seen = sum(split_word(image.facts.get("split", "")) == "train" for image in pairs.values())
    if 0 < seen < len(pairs):
        notes.append(
            f"{seen} of the {number_of(len(pairs), 'image')} measured {word_for(seen, 'is', 'are')} of the training "
            "part, so the numbers at the top are better than on images that the model has not seen: 'coverslip "
            "evaluate' measures each split by itself."
        )
    if len(pairs) < len(found):
        bare = len(found) - len(pairs)
        comes = word_for(bare, "has no truth and comes", "have no truth and come")
        notes.append(f"{bare} of {len(found)} images {comes} last.")
    return pairs


def judge_by_truth(
    found: LabelFolder, pairs: Mapping[int, Labelled], groups: np.ndarray | None, images: str | Path | None
) -> tuple[SegmentationEvaluation, list[Judged]]:
    """All measures, and for each image which objects are right: matched with a true one at IoU 0.5.

    Parameters
    ----------
    found : LabelFolder
        The result.
    pairs : mapping of int to Labelled
        From `pairs_of`; images without a truth are taken for right.
    groups : ndarray, shape (len(found),), optional
        Images that belong together, for the intervals.
    images : str or Path, optional
        The folder that the images have moved to since.
    """
    from coverslip.measure import match, overlap

    judged: dict[int, Judged] = {}

    def read() -> Iterator[tuple[Any, ...]]:
        for i, truth in track(pairs.items(), "Measuring labels", len(pairs)):
            labels = found.labels(i)
            true = truth.read(labels.labels.shape)
            with about(truth.name):
                shared = overlap(getattr(true, "labels", true), labels.labels)
            matched = match(shared)
            hit, seen = np.zeros(shared.n_predicted, bool), np.zeros(shared.n_true, bool)
            hit[matched.prediction] = True
            seen[matched.truth] = True
            judged[i] = Judged(
                shared.prediction_ids[hit],
                shared.prediction_ids[~hit],
                truth,
                shared.truth_ids[~seen],
                shared.truth_areas,
                _pixel_area(found, i, labels, images),
            )
            yield found.rows[i]["image"], true, labels, labels.probability, shared

    evaluation = evaluate_labels(read(), groups=None if groups is None else groups[list(pairs)])
    for i in range(len(found)):
        if i not in judged:
            numbers = np.unique(found.labels(i).labels)
            judged[i] = Judged(numbers[numbers > 0], numbers[:0])
    return evaluation, [judged[i] for i in range(len(found))]


def _pixel_area(found: LabelFolder, index: int, labels: LabelMap, images: str | Path | None) -> float:
    """µm² per pixel, as the labels say, else their image."""
    size = labels.pixel_size
    if size is None:
        with suppress(InputError):  # it is not there any more
            size = found.image(index, images).pixel_size
    return float("nan") if size is None else size.y * size.x


def judge_by_looks(table: Table, own: Sequence[np.ndarray]) -> list[Judged]:
    """Without a truth: an object is odd whose size or solidity is unlike that of most.

    Parameters
    ----------
    table : dict of str to ndarray, shape (n,)
        All objects.
    own : sequence of ndarray of int
        Which of them belong to each image.

    Notes
    -----
    Odd is what lies more than `ODD` robust standard deviations from the median of all objects, in the logarithm of the
    area or in solidity.
    """
    from coverslip.measure import robust_z

    odd = np.zeros(len(table["label"]), bool)
    for name in ("area_px", "solidity"):
        if name in table and len(odd):
            values = np.asarray(table[name], float)
            odd |= np.abs(robust_z(np.log(values) if name == "area_px" else values)) > ODD
    return [Judged(table["label"][rows[~odd[rows]]], table["label"][rows[odd[rows]]]) for rows in own]


def worst_first(judged: Sequence[Judged], pairs: Mapping[int, Labelled], precision: np.ndarray | None) -> np.ndarray:
    """The order in which images are looked at.

    Parameters
    ----------
    judged : sequence of Judged
        One per image.
    pairs : mapping of int to Labelled
        Images with a truth.
    precision : ndarray of float, shape (len(pairs),), optional
        AP at IoU 0.5 of these. Without it images without any object come first, then those with the largest share of
        odd ones.

    Returns
    -------
    ndarray of int
        Images, the worst first; those that nothing is known of last.
    """
    if precision is None:
        right, odd = (np.array([len(getattr(one, kind)) for one in judged], float) for kind in ("right", "false"))
        share = odd / np.maximum(right + odd, 1)
        return np.argsort(np.where(right + odd > 0, -share, -np.inf), kind="stable")
    goodness = np.full(len(judged), np.inf)
    goodness[list(pairs)] = precision
    return np.argsort(goodness, kind="stable")
