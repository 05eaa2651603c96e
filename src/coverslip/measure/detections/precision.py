"""Average precision as COCO defines it, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Detections, Marks, MissingExtra
from coverslip.measure.detections.matching import overlapping

OVERLAPS = np.linspace(0.5, 0.95, 10).round(2)
_RESAMPLED = 200
_AT_ONCE = 500
"""About so many objects, found and true, are compared at once."""


class Precision(NamedTuple):
    """Average precision, 101 points of recall, objects of all sizes, any number of them in an image.

    Parameters
    ----------
    value : ndarray, shape (K, 10)
        Of each class at each IoU of `OVERLAPS`; NaN where a class is not among the true objects.
    resampled : ndarray, shape (200, K, 10)
        The same of images (or groups) drawn with replacement.
    """

    value: np.ndarray
    resampled: np.ndarray


def average_precision(
    found: Sequence[Detections], true: Sequence[Marks], classes: Sequence[str], groups: np.ndarray, seed: int = 0
) -> Precision:
    """Measure average precision.

    Parameters
    ----------
    found, true
        Of each image.
    classes : sequence of str
        Names, K of them.
    groups : ndarray of int, shape (N,)
        Which images are drawn together.
    seed : int
        Of resampling.

    Raises
    ------
    MissingExtra
        If pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise MissingExtra(
            "Average precision needs pycocotools, which is not installed; install it with pip install pycocotools."
        ) from error
    most = max([100, *(len(one) for one in found)])
    parts = [_parts(one.boxes, marks.boxes) for one, marks in zip(found, true, strict=True)]
    before = np.cumsum([0, *(part.number for part in parts)])
    with contextlib.redirect_stdout(io.StringIO()):  # it reports to the screen
        truth = COCO()
        truth.dataset = _dataset(
            true, classes, [part.true + start for part, start in zip(parts, before, strict=False)], int(before[-1])
        )
        truth.createIndex()
        results = [
            row
            for one, part, start in zip(found, parts, before, strict=False)
            for row in _results(one, classes, part.found + start)
        ]
        measured = COCOeval(truth, _loaded(truth, results), "bbox")
        measured.params.iouThrs = OVERLAPS
        measured.params.maxDets = [most]
        measured.params.areaRng, measured.params.areaRngLbl = [[0, 1e10]], ["all"]
        measured.evaluate()
        measured.accumulate()
        value = _means(measured)
        resampled = _resampled(measured, np.repeat(groups, [part.number for part in parts]), seed)
    return Precision(value, resampled)


class _Parts(NamedTuple):
    """An image in parts, whose objects overlap no object of another part; numbers of parts, from 1."""

    found: np.ndarray
    true: np.ndarray
    number: int


def _parts(boxes: np.ndarray, true: np.ndarray) -> _Parts:
    """Divide the objects of an image: pycocotools compares each with each.

    What overlaps, also over others, is in one part, so that the parts match as the whole does.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i, j, _ = overlapping(boxes, true)
    nodes = len(boxes) + len(true)
    edges = coo_matrix((np.ones(len(i), bool), (i, j + len(boxes))), (nodes, nodes))
    _, component = connected_components(edges, directed=False)
    sizes = np.bincount(component, minlength=1)
    part = ((np.cumsum(sizes) - sizes) // _AT_ONCE)[component]
    numbers = np.unique(part, return_inverse=True)[1] + 1
    return _Parts(numbers[: len(boxes)], numbers[len(boxes) :], int(numbers.max(initial=1)))


def _dataset(true: Sequence[Marks], classes: Sequence[str], places: Sequence[np.ndarray], count: int) -> dict[str, Any]:
    """``places``: the part of each object, of so many."""
    place = {name: code for code, name in enumerate(classes, 1)}
    annotations: list[dict[str, Any]] = []
    for marks, own in zip(true, places, strict=True):
        sides = marks.boxes[:, 2:] - marks.boxes[:, :2]
        for box, side, name, part in zip(marks.boxes, sides, marks.names, own.tolist(), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": part,
                    "category_id": place[str(name)],
                    "bbox": [*box[:2].tolist(), *side.tolist()],
                    "area": float(side.prod()),
                    "iscrowd": 0,
                }
            )
    return {
        "images": [{"id": i + 1} for i in range(count)],
        "categories": [{"id": code, "name": name} for name, code in place.items()],
        "annotations": annotations,
    }


def _results(found: Detections, classes: Sequence[str], parts: np.ndarray) -> list[dict[str, Any]]:
    place = {name: code for code, name in enumerate(classes, 1)}
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    return [
        {
            "image_id": int(parts[i]),
            "category_id": place[str(found.names[i])],
            "bbox": [*found.boxes[i, :2].tolist(), *sides[i].tolist()],
            "score": float(found.score[i]),
        }
        for i in np.flatnonzero(found.named).tolist()
    ]


def _loaded(truth: Any, results: list[dict[str, Any]]) -> Any:
    if results:
        return truth.loadRes(results)
    empty = type(truth)()  # loadRes cannot be given nothing
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _means(measured: Any) -> np.ndarray:
    precision = measured.eval["precision"][:, :, :, 0, 0]  # (overlaps, recalls, classes)
    precision = np.where(precision < 0, np.nan, precision)
    return np.asarray(precision.mean(axis=1).T)


def _resampled(measured: Any, groups: np.ndarray, seed: int) -> np.ndarray:
    """Each image was matched once; what is drawn is which of them are counted."""
    every, images = list(measured.evalImgs), list(measured.params.imgIds)
    kept = measured._paramsEval
    count, names = len(images), np.unique(groups)
    rng = np.random.default_rng(seed)
    found = []
    members = [np.flatnonzero(groups == name) for name in names]
    for _ in range(_RESAMPLED if len(names) > 1 else 0):
        drawn = np.concatenate([members[k] for k in rng.integers(len(names), size=len(names))])
        # Matches are listed class by class, image by image.
        blocks = [every[start : start + count] for start in range(0, len(every), count)]
        measured.evalImgs = [block[i] for block in blocks for i in drawn]
        measured.params.imgIds = kept.imgIds = list(range(1, len(drawn) + 1))
        measured.accumulate()
        found.append(_means(measured))
    measured.evalImgs, measured.params.imgIds = every, images
    return np.array(found).reshape(-1, len(measured.params.catIds), len(OVERLAPS))
