"""Whole objects against whole objects, also where others cover them: masks that may overlap, matched one for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np

from coverslip.core import InputError, LabelMap, about
from coverslip.measure.inputs import check_length, encode
from coverslip.measure.intervals import bootstrap
from coverslip.measure.objects.matching import match, match_best
from coverslip.measure.objects.overlaps import Overlap
from coverslip.measure.objects.precision import ap
from coverslip.measure.scores import mean

EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Objects without overlap, those up to 10 %, up to 20 %, …: how the table is divided."""


@dataclass(frozen=True)
class AmodalMasks:
    """Masks of the objects of one image, which may overlap.

    Parameters
    ----------
    masks : sequence of ndarray of bool, each (h, w)
        The whole mask of each object.
    corners : ndarray of int, shape (N, 2)
        Row and column of the image at which each begins.
    shape : (int, int)
        Height and width of the image.
    """

    masks: Sequence[np.ndarray] = field(repr=False)
    corners: np.ndarray = field(repr=False)
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners, dtype=np.int64).reshape(-1, 2)
        if len(corners) != len(self.masks):
            raise InputError(f"There are {len(self.masks)} masks, but {len(corners)} corners; give one for each.")
        ends = corners + np.array([mask.shape for mask in self.masks], dtype=np.int64).reshape(-1, 2)
        outside = np.flatnonzero((corners < 0).any(axis=1) | (ends > self.shape).any(axis=1))
        if len(outside):
            raise InputError(
                f"Mask {outside[0] + 1} reaches over the border of the image of {self.shape[0]} x {self.shape[1]} "
                "pixels; cut it off there."
            )
        object.__setattr__(self, "corners", corners)

    def __len__(self) -> int:
        return len(self.masks)


@runtime_checkable
class _WholeObjects(Protocol):
    """A decomposition or a phantom."""

    @property
    def objects(self) -> Mapping[str, np.ndarray]: ...
    @property
    def masks(self) -> Sequence[np.ndarray]: ...
    @property
    def labels(self) -> np.ndarray: ...


def amodal_masks(found: Any) -> AmodalMasks:
    """The masks of a result.

    Parameters
    ----------
    found : Decomposition, Phantom, LabelMap or ndarray of int, shape (H, W)
        Where labels are given, the objects are what is seen of them.

    Returns
    -------
    AmodalMasks
        In the order they are given, or by label.
    """
    if isinstance(found, AmodalMasks):
        return found
    if isinstance(found, _WholeObjects):
        corners = np.stack([found.objects["top_px"], found.objects["left_px"]], axis=1)
        height, width = found.labels.shape
        return AmodalMasks(found.masks, corners, (height, width))
    from scipy import ndimage

    labels = np.asarray(found.labels if isinstance(found, LabelMap) else found)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise InputError(f"Labels are integers (H, W), not {labels.dtype} {labels.shape}.")
    numbers, compact = np.unique(np.append(labels, 0), return_inverse=True)  # 0 is there, whether it occurs or not
    if numbers[0] < 0:
        raise InputError(f"There is a negative label ({numbers[0]}); objects are numbered from 1, background is 0.")
    compact = compact[:-1].reshape(labels.shape)
    boxes = ndimage.find_objects(compact)
    masks = [compact[box] == i for i, box in enumerate(boxes, start=1)]
    return AmodalMasks(masks, np.array([[part.start for part in box] for box in boxes]), labels.shape)


def amodal_overlap(truth: Any, prediction: Any) -> Overlap:
    """Count the pixels that true and predicted masks share; masks of one side may overlap.

    Parameters
    ----------
    truth, prediction : AmodalMasks, or what `amodal_masks` takes
        Objects of the same image.

    Returns
    -------
    Overlap
        As `coverslip.measure.overlap` of label images gives it, for `match`, `match_best` and `count_matches`. The
        objects are numbered from 1 in the order of the masks.

    Raises
    ------
    InputError
        If the images differ in size.
    """
    from scipy.sparse import csr_array

    sides = [amodal_masks(truth), amodal_masks(prediction)]
    if sides[0].shape != sides[1].shape:
        shapes = [" x ".join(map(str, side.shape)) for side in sides]
        raise InputError(
            f"The truth has {shapes[0]} pixels but the prediction {shapes[1]}; give masks of the same image."
        )
    pixels, areas = zip(*(_pixels(side) for side in sides), strict=True)
    # A product of two sparse tables, objects by pixels: only pixels that both sides have make any work.
    _, numbers = np.unique(np.concatenate(pixels), return_inverse=True)
    tables = [
        csr_array(
            (np.ones(len(own), np.int64), own, np.concatenate([[0], np.cumsum(area)])),
            shape=(len(area), numbers.max(initial=-1) + 1),
        )
        for own, area in zip(np.split(numbers, [len(pixels[0])]), areas, strict=True)
    ]
    common = (tables[0] @ tables[1].T).tocoo()
    order = np.lexsort((common.col, common.row))
    return Overlap(
        np.arange(1, len(areas[0]) + 1),
        np.arange(1, len(areas[1]) + 1),
        areas[0],
        areas[1],
        common.row[order].astype(np.intp),
        common.col[order].astype(np.intp),
        common.data[order],
        sides[0].shape[0] * sides[0].shape[1],
        disjoint=False,
    )


def overlapped(masks: AmodalMasks) -> np.ndarray:
    """How much each object of an image overlaps with another one.

    Parameters
    ----------
    masks : AmodalMasks, or what `amodal_masks` takes

    Returns
    -------
    ndarray of float, shape (N,)
        Pixels that it shares with another object over those of the smaller of both, for the object with which this is
        most; 0 for an object that stands alone.
    """
    shared = amodal_overlap(masks, masks)
    own, other, area = shared.truth, shared.prediction, shared.truth_areas
    found = np.zeros(shared.n_true)
    np.maximum.at(found, own, np.where(own == other, 0, shared.intersection / np.minimum(area[own], area[other])))
    return found


@dataclass(frozen=True)
class AmodalRow:
    """How well objects of some overlap are found.

    Parameters
    ----------
    overlap : str
        Which, such as ``"0"`` or ``"10 to 20 %"`` (above 10, up to 20), or ``"all"``.
    n : int
        Number of true objects.
    iou, iou_low, iou_high : float
        Mean over them of the IoU with their partner, 0 where there is none, and its interval.
    recall, recall_low, recall_high : float
        Share of them with a partner at IoU ≥ 0.5, and its interval.
    images : int
        Images they lie in; these (or their groups) are resampled for the intervals, which are NaN where there is only
        one.
    """

    overlap: str
    n: int
    iou: float
    iou_low: float
    iou_high: float
    recall: float
    recall_low: float
    recall_high: float
    images: int


@dataclass(frozen=True)
class AmodalEvaluation:
    """What whole masks are worth against the truth.

    Parameters
    ----------
    rows : tuple of AmodalRow
        By overlap, those of all objects last.
    n_true, n_predicted, tp : int
        Objects, and pairs at IoU ≥ 0.5, over all images.
    per_object : dict of str to ndarray, shape (N,)
        One row per true object: ``image`` (its name), ``object`` (from 1), ``overlap``, ``iou``, ``found``.
    """

    rows: tuple[AmodalRow, ...]
    n_true: int
    n_predicted: int
    tp: int
    per_object: dict[str, np.ndarray] = field(repr=False)

    @property
    def ap50(self) -> float:
        """TP / (TP + FP + FN) at IoU ≥ 0.5, over all images."""
        return float(ap(self.tp, self.n_true, self.n_predicted))

    def records(self) -> list[dict[str, Any]]:
        """One dictionary per row, ready for a data frame, CSV or JSON."""
        return [asdict(row) for row in self.rows]


def evaluate_amodal(
    images: Iterable[Sequence[Any]], *, edges: Sequence[float] = EDGES, groups: Any = None, seed: int = 0
) -> AmodalEvaluation:
    """Match whole masks one for one, and tell how well objects are found by how much they overlap.

    Parameters
    ----------
    images : iterable of (name, truth, prediction[, overlap])
        One image after the other. Truth and prediction are what `amodal_masks` takes; the overlap is one share from 0
        to 1 for each true object, default: as `overlapped` measures it.
    edges : sequence of float
        Ends of the divisions, ascending from 0: objects of overlap 0 stand alone, those above each end and up to the
        next together. Larger overlaps are only among ``all``.
    groups : array, shape (number of images,), optional
        Well, plate or patient of each image: resampled whole, instead of images.
    seed : int
        For resampling.

    Returns
    -------
    AmodalEvaluation
        IoU is that of the pairs of `match_best`, recall that of `match` at 0.5; 95 % intervals by resampling images.

    Raises
    ------
    InputError
        If there is no true object, or an overlap is not one share for each of them; the image is named.
    """
    names: list[str] = []
    columns: list[tuple[np.ndarray, ...]] = []
    n_predicted = tp = 0
    for name, truth, prediction, *given in images:
        with about(name):
            table = amodal_overlap(truth, prediction)
            shares = np.asarray(given[0] if given else overlapped(truth), dtype=np.float64)
            if shares.shape != (table.n_true,) or not ((shares >= 0) & (shares <= 1)).all():
                raise InputError(f"There are {table.n_true} true objects; give an overlap from 0 to 1 for each.")
        best, sure = match_best(table), match(table, 0.5)
        iou, found = np.zeros(table.n_true), np.zeros(table.n_true, bool)
        iou[best.truth], found[sure.truth] = best.iou, True
        columns.append((np.full(table.n_true, len(names)), table.truth_ids, shares, iou, found))
        names.append(str(name))
        n_predicted, tp = n_predicted + table.n_predicted, tp + sure.tp
    if not any(len(column[0]) for column in columns):
        raise InputError("The truth holds no object, so nothing can be measured; give images that have some.")
    image, number, shares, iou, found = (np.concatenate(column) for column in zip(*columns, strict=True))
    divisions = [("0", shares == 0)]
    divisions += [
        (f"{100 * low:g} to {100 * high:g} %", (shares > low) & (shares <= high)) for low, high in pairwise(edges)
    ]
    divisions.append(("all", np.ones(len(shares), bool)))
    unit = image if groups is None else encode(check_length(groups, len(names), "groups"), "groups").codes[image]
    rows = tuple(_row(name, iou[own], found[own], image[own], unit[own], seed) for name, own in divisions if own.any())
    per_object = {"image": np.array(names, dtype=object)[image], "object": number, "overlap": shares}
    return AmodalEvaluation(rows, len(image), n_predicted, tp, {**per_object, "iou": iou, "found": found})


def _pixels(side: AmodalMasks) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all pixels of all masks, one mask after the other, and how many each has."""
    width = side.shape[1]
    found = []
    for mask, (top, left) in zip(side.masks, side.corners.tolist(), strict=True):
        rows, columns = np.nonzero(mask)
        found.append((rows + top) * width + (columns + left))
    areas = np.array([len(own) for own in found], dtype=np.int64)
    return np.concatenate([np.zeros(0, np.int64), *found]), areas


def _row(name: str, iou: np.ndarray, found: np.ndarray, image: np.ndarray, unit: np.ndarray, seed: int) -> AmodalRow:
    def interval(values: np.ndarray) -> tuple[float, float, float]:
        if len(np.unique(unit)) == 1:
            return float(values.mean()), float("nan"), float("nan")
        found = bootstrap(mean, values, groups=unit, seed=seed)
        return found.value, found.low, found.high

    return AmodalRow(name, len(iou), *interval(iou), *interval(found.astype(np.float64)), len(np.unique(image)))
