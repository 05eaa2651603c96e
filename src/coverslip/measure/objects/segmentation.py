"""All measures of label images against the truth as one table, image by image and pooled, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import InputError, LabelMap, PixelSize, about
from coverslip.measure.inputs import check_length
from coverslip.measure.intervals import Additive, Interval, Sums, bootstrap
from coverslip.measure.objects import instances, pixels
from coverslip.measure.objects.contours import boundary_distances
from coverslip.measure.objects.matching import THRESHOLDS, checked_threshold, count_matches
from coverslip.measure.objects.overlaps import Overlap, overlap
from coverslip.measure.objects.precision import ap, mean_ap
from coverslip.measure.scores import mean


@dataclass(frozen=True)
class SegmentationRow:
    """One measure over all images.

    Parameters
    ----------
    measure : str
        Name of the measure, also of the column of `SegmentationEvaluation.per_image`.
    value, low, high : float
        All objects (or pixels) of all images taken together, and its interval; NaN ends where there is none.
    mean, mean_low, mean_high : float
        Mean over the images, each counting the same, and its interval. Images where the measure is undefined are left
        out.
    n : int
        Number of images behind the mean.
    note : str
        What the measure is.
    """

    measure: str
    value: float
    low: float
    high: float
    mean: float
    mean_low: float
    mean_high: float
    n: int
    note: str = ""

    def __str__(self) -> str:
        pooled = Interval(self.value, self.low, self.high, self.n)
        return f"{self.measure} {pooled}, image mean {Interval(self.mean, self.mean_low, self.mean_high, self.n)}"


@dataclass(frozen=True)
class SegmentationEvaluation:
    """What label images are worth against the truth.

    Parameters
    ----------
    rows : tuple of SegmentationRow
        One per measure.
    per_image : dict of str to ndarray, shape (N,)
        One row per image: ``name``, ``n_true``, ``n_predicted``, ``tp``, ``fp``, ``fn`` (at IoU 0.5), pixels of the
        foreground (``pixels_true``, ``pixels_predicted``) and every measure; ready for a data frame or
        `coverslip.read.write_table`.
    """

    rows: tuple[SegmentationRow, ...]
    per_image: dict[str, np.ndarray] = field(repr=False)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary per measure, ready for a data frame, CSV or JSON."""
        return [asdict(row) for row in self.rows]

    def get(self, measure: str) -> SegmentationRow:
        """The row of one measure.

        Raises
        ------
        InputError
            If there is none; the message lists those there are.
        """
        for row in self.rows:
            if row.measure == measure:
                return row
        raise InputError(f"There is no '{measure}' in this table; it has: {', '.join(r.measure for r in self.rows)}.")

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))


def evaluate_labels(
    pairs: Iterable[Sequence[Any]],
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    groups: Any = None,
    pixel_size: PixelSize | float | None = None,
    seed: int = 0,
) -> SegmentationEvaluation:
    """Every measure of label images against the truth, per image and pooled, with 95 % intervals over images.

    Parameters
    ----------
    pairs : iterable of (name, truth, prediction[, probability[, shared]])
        One image after the other; only one is held at a time. Truth and prediction are `LabelMap` or integer arrays
        ``(H, W)``, 0 for background; the probability of being foreground is ``(H, W)`` from 0 to 1, default: that of
        the prediction, where it has one; what they share (`overlap`) is counted unless it is given.
    thresholds : sequence of float
        IoU from which a pair of objects is a match, for AP; ``ap`` is the mean over them.
    groups : array, shape (N,), optional
        Well, plate or patient of each image: whole groups are resampled for the intervals.
    pixel_size : PixelSize or float, optional
        Micrometres per pixel, for distances; default: that of the prediction or of the truth, where they say.
    seed : int
        For resampling.

    Returns
    -------
    SegmentationEvaluation
        Pooled values add up objects, pixels and pairs over the images before they are divided. In an image without any
        object, true or predicted, nothing is wrong: its measures are 1, its counts 0 and its distances undefined.

    Raises
    ------
    InputError
        If there are no images, none has a true object, or an image does not fit its truth (it is named).
    """
    thresholds = sorted({checked_threshold(t) for t in thresholds})
    if not thresholds:
        raise InputError("AP needs at least one IoU threshold, such as 0.5.")
    names, images = [], []
    for name, *image in pairs:
        with about(name):
            images.append(_sums(thresholds, pixel_size, *image))
        names.append(str(name))
    if not images:
        raise InputError("There is no image to evaluate; give at least one with its truth.")
    sums = {key: np.array([image[key] for image in images]) for key in images[0]}
    if not sums["n_true"].any():
        raise InputError(
            f"The truth holds no object in any of the {len(images)} images, so nothing can be measured; give masks "
            "with labelled objects."
        )
    of_groups = None if groups is None else check_length(groups, len(images), "groups")
    per_image = {"name": np.array(names, dtype=object)}
    per_image |= {key: sums[key] for key in ("n_true", "n_predicted", "tp", "fp", "fn")}
    per_image["pixels_true"] = sums["pixels tp"] + sums["pixels fn"]
    per_image["pixels_predicted"] = sums["pixels tp"] + sums["pixels fp"]
    rows = []
    for measure in _measures(thresholds):
        if measure.optional is None or sums[measure.optional].any():
            needed = [sums[key] for key in measure.needs]
            per_image[measure.name] = values = measure.of(*needed)
            rows.append(_row(measure, needed, values, of_groups, seed))
    return SegmentationEvaluation(tuple(rows), per_image)


class _Measure(NamedTuple):
    """A function of sums over objects or pixels: of one image, or of several added up."""

    name: str
    needs: tuple[str, ...]
    of: Callable[..., np.ndarray]
    note: str
    optional: str | None = None
    """A sum that is 0 in all images where the measure could not be taken."""


def _measures(thresholds: Sequence[float]) -> list[_Measure]:
    objects_of = ("tp", "fp", "fn")
    matched = tuple(f"tp at {t:g}" for t in thresholds)
    pixels_of = ("pixels tp", "pixels fp", "pixels fn", "pixels")
    panoptic = ("pq iou", "pq tp", "objects")
    outlines = "mean distance of the outlines of pairs"
    farthest = "95 % of the outlines of pairs lie closer"
    return [
        *(
            _Measure(
                f"ap{round(100 * t, 7):g}",
                (key, "n_true", "n_predicted"),
                ap,
                f"TP / (TP + FP + FN), IoU ≥ {t:g}",
            )
            for t, key in zip(thresholds, matched, strict=True)
        ),
        _Measure("ap", (*matched, "n_true", "n_predicted"), mean_ap, f"mean of the {len(thresholds)} above"),
        _Measure("precision", objects_of, pixels.precision, "TP / (TP + FP), IoU ≥ 0.5"),
        _Measure("recall", objects_of, pixels.recall, "TP / (TP + FN), IoU ≥ 0.5"),
        _Measure("f1", objects_of, pixels.f1, "2 TP / (2 TP + FP + FN), IoU ≥ 0.5"),
        _Measure("pq", panoptic, instances.panoptic, "panoptic quality, SQ x RQ"),
        _Measure("sq", panoptic, instances.segmentation_quality, "mean IoU of pairs, IoU > 0.5"),
        _Measure("rq", panoptic, instances.recognition_quality, "F1, IoU > 0.5"),
        _Measure("aji", ("aji part", "aji whole"), instances.share, "aggregated Jaccard index"),
        _Measure("object_dice", _DICE, instances.dice, "Dice of objects, by area"),
        _Measure("splits", ("splits",), _as_it_is, "true objects predicted as several; sum"),
        _Measure("merges", ("merges",), _as_it_is, "predicted objects that are several; sum"),
        _Measure("boundary_px", ("boundary px", "pairs"), _average, f"{outlines}, pixels", "pairs"),
        _Measure("hausdorff95_px", ("hausdorff95 px", "pairs"), _average, f"{farthest}, pixels", "pairs"),
        _Measure("boundary_um", ("boundary um", "pairs um"), _average, f"{outlines}, µm", "pairs um"),
        _Measure("hausdorff95_um", ("hausdorff95 um", "pairs um"), _average, f"{farthest}, µm", "pairs um"),
        _Measure("pixel_accuracy", pixels_of, pixels.accuracy, "pixels called rightly"),
        _Measure("pixel_f1", pixels_of, pixels.f1, "Dice of the foreground; its image mean is the average Dice"),
        _Measure("pixel_iou", pixels_of, pixels.iou, "IoU of the foreground"),
        _Measure("auroc", ("probabilities",), pixels.auroc, "of the probability, by pixels", "probabilities"),
    ]


_DICE = ("dice true", "area true", "dice predicted", "area predicted")


def _sums(
    thresholds: Sequence[float],
    pixel_size: PixelSize | float | None,
    truth: Any,
    prediction: Any,
    probability: Any = None,
    shared: Overlap | None = None,
) -> dict[str, Any]:
    """What one image adds to the measures."""
    sizes = [labels.pixel_size for labels in (prediction, truth) if isinstance(labels, LabelMap) and labels.pixel_size]
    if probability is None and isinstance(prediction, LabelMap):
        probability = prediction.probability
    true, predicted = (labels.labels if isinstance(labels, LabelMap) else labels for labels in (truth, prediction))
    table = overlap(true, predicted) if shared is None else shared
    tp = int(count_matches(table, (0.5,))[0])
    sums: dict[str, Any] = {"n_true": table.n_true, "n_predicted": table.n_predicted}
    sums |= {"tp": tp, "fp": table.n_predicted - tp, "fn": table.n_true - tp}
    sums |= {f"tp at {t:g}": n for t, n in zip(thresholds, count_matches(table, thresholds), strict=True)}
    sums |= zip(("pq iou", "pq tp", "objects"), instances.panoptic_sums(table), strict=True)
    sums |= zip(("aji part", "aji whole"), instances.jaccard_sums(table), strict=True)
    sums |= zip(_DICE, instances.dice_sums(table), strict=True)
    sums |= zip(("splits", "merges"), instances.splits_and_merges(table), strict=True)
    sums |= zip(("pixels tp", "pixels fp", "pixels fn", "pixels"), pixels.pixel_sums(table), strict=True)
    if isinstance(pixel_size, int | float):
        pixel_size = PixelSize(float(pixel_size), float(pixel_size))
    sums |= _distances(true, predicted, table, pixel_size or (sizes[0] if sizes else None))
    counts = np.zeros((2, pixels.STEPS)) if probability is None else pixels.probability_counts(true, probability)
    return sums | {"probabilities": counts}


def _distances(truth: Any, prediction: Any, table: Overlap, size: PixelSize | None) -> dict[str, float]:
    found = boundary_distances(truth, prediction, table)
    pairs = len(found.mean)
    sums = {"boundary px": found.mean.sum(), "hausdorff95 px": found.hausdorff95.sum(), "pairs": pairs}
    if size is None:
        return sums | {"boundary um": 0.0, "hausdorff95 um": 0.0, "pairs um": 0}
    if size.y == size.x:
        scaled = [size.y * sums["boundary px"], size.y * sums["hausdorff95 px"]]
    else:
        found = boundary_distances(truth, prediction, table, (size.y, size.x))
        scaled = [found.mean.sum(), found.hausdorff95.sum()]
    return sums | {"boundary um": scaled[0], "hausdorff95 um": scaled[1], "pairs um": pairs}


def _average(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.divide(total, n)


def _as_it_is(total: np.ndarray) -> np.ndarray:
    return total


def _row(
    measure: _Measure, needed: list[np.ndarray], values: np.ndarray, groups: np.ndarray | None, seed: int
) -> SegmentationRow:
    known = ~np.isnan(values)
    pooled = _interval(_pooled(measure.of), needed, groups, seed)
    averaged = _interval(mean, [values[known]], None if groups is None else groups[known], seed)
    return SegmentationRow(
        measure.name,
        *(pooled.value, pooled.low, pooled.high),
        *(averaged.value, averaged.low, averaged.high),
        int(known.sum()),
        measure.note,
    )


def _pooled(of: Callable[..., np.ndarray]) -> Additive:
    """A measure of summed sums, which is resampled image by image."""

    def summarise(*sums: np.ndarray) -> Sums:
        ends = np.cumsum([s[0].size for s in sums])

        def finish(totals: np.ndarray) -> np.ndarray:
            parts = np.split(totals, ends[:-1], axis=1)
            return of(*(part.reshape(len(part), *s.shape[1:]) for part, s in zip(parts, sums, strict=True)))

        return Sums(np.arange(len(sums[0])), np.concatenate([s.reshape(len(s), -1) for s in sums], axis=1), finish)

    return Additive(summarise)


def _interval(statistic: Any, arrays: list[np.ndarray], groups: np.ndarray | None, seed: int) -> Interval:
    """With an interval where there are several images; the mean of a measure may be known in one group only."""
    n = len(arrays[0])
    if n >= 2 and (groups is None or statistic is not mean or len(set(groups)) > 1):
        return bootstrap(statistic, *arrays, groups=groups, seed=seed)
    return Interval(float(statistic(*arrays)) if n else float("nan"), float("nan"), float("nan"), n)
