"""Average precision as COCO defines it, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Detections, Marks, MissingExtra

OVERLAPS = np.linspace(0.5, 0.95, 10).round(2)
_RESAMPLED = 200


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
    with contextlib.redirect_stdout(io.StringIO()):  # it reports to the screen
        truth = COCO()
        truth.dataset = _dataset(true, classes)
        truth.createIndex()
        results = [row for i, one in enumerate(found, 1) for row in _results(one, classes, i)]
        measured = COCOeval(truth, _loaded(truth, results), "bbox")
        measured.params.iouThrs = OVERLAPS
        measured.params.maxDets = [most]
        measured.params.areaRng, measured.params.areaRngLbl = [[0, 1e10]], ["all"]
        measured.evaluate()
        measured.accumulate()
        value = _means(measured)
        resampled = _resampled(measured, groups, seed)
    return Precision(value, resampled)


def _dataset(true: Sequence[Marks], classes: Sequence[str]) -> dict[str, Any]:
    place = {name: code for code, name in enumerate(classes, 1)}
    annotations: list[dict[str, Any]] = []
    for image, marks in enumerate(true, 1):
        sides = marks.boxes[:, 2:] - marks.boxes[:, :2]
        for box, side, name in zip(marks.boxes, sides, marks.names, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": place[str(name)],
                    "bbox": [*box[:2].tolist(), *side.tolist()],
                    "area": float(side.prod()),
                    "iscrowd": 0,
                }
            )
    return {
        "images": [{"id": i + 1} for i in range(len(true))],
        "categories": [{"id": code, "name": name} for name, code in place.items()],
        "annotations": annotations,
    }


def _results(found: Detections, classes: Sequence[str], image: int) -> list[dict[str, Any]]:
    place = {name: code for code, name in enumerate(classes, 1)}
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    return [
        {
            "image_id": image,
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
