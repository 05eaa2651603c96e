"""How well objects are found and outlined: panoptic quality, AJI, object Dice, splits and merges.

Every measure is a ratio of sums over objects, so that many images are pooled by adding the sums up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.measure.objects.matching import match
from coverslip.measure.objects.overlaps import Overlap


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A ratio that is 1 for 0 / 0: where nothing is and nothing was found, nothing is wrong."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole == 0, 1.0, np.divide(part, whole))


@dataclass(frozen=True)
class PanopticQuality:
    """How well objects are outlined, times how many are found.

    Parameters
    ----------
    pq : float
        Panoptic quality: the product of the other two.
    sq : float
        Segmentation quality: mean IoU of the matched pairs; 0 where there is none.
    rq : float
        Recognition quality: TP / (TP + FP / 2 + FN / 2).
    """

    pq: float
    sq: float
    rq: float


def panoptic_quality(overlap: Overlap) -> PanopticQuality:
    """Panoptic quality of one image, with pairs of IoU above 0.5.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    PanopticQuality
        Each from 0 to 1; all 1 where there are neither true nor predicted objects. As published, an IoU of exactly 0.5
        is no match here.

    References
    ----------
    Kirillov et al.: Panoptic Segmentation, CVPR 2019, equation 1.
    """
    sums = [np.asarray(value) for value in panoptic_sums(overlap)]
    return PanopticQuality(*(float(of(*sums)) for of in (panoptic, segmentation_quality, recognition_quality)))


def panoptic_sums(overlap: Overlap) -> tuple[float, int, int]:
    """Sum of IoU, number of pairs, and number of objects of both kinds."""
    found = match(overlap, 0.5, strict=True)
    return float(found.iou.sum()), found.tp, overlap.n_true + overlap.n_predicted


def panoptic(iou: np.ndarray, tp: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """PQ from the sums."""
    return share(2 * iou, objects)


def segmentation_quality(iou: np.ndarray, tp: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """SQ from the sums; 0 where there are objects but no pair."""
    return np.where((tp == 0) & (objects > 0), 0.0, share(iou, tp))


def recognition_quality(iou: np.ndarray, tp: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """RQ from the sums: every pair is two objects, and TP + FP / 2 + FN / 2 half of all."""
    return share(2 * tp, objects)


def aggregated_jaccard(overlap: Overlap) -> float:
    """Aggregated Jaccard index of one image (AJI).

    Each true object takes the predicted one with the largest IoU, also one that another has taken; the intersections
    are divided by the unions and the areas of all objects that were not taken. One predicted object that spans many
    true ones is thus punished many times.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    float
        From 0 to 1; 1 where there are neither true nor predicted objects. Of predicted objects with exactly the same
        IoU, the one that shares more pixels is taken, and then the one with the lower label.

    References
    ----------
    Kumar et al.: A Dataset and a Technique for Generalized Nuclear Segmentation for Computational Pathology, IEEE
    Transactions on Medical Imaging 36 (2017), algorithm 1.
    """
    return float(share(*map(np.asarray, jaccard_sums(overlap))))


def jaccard_sums(overlap: Overlap) -> tuple[int, int]:
    """The intersections and the unions of AJI, in pixels."""
    order = np.lexsort((-overlap.prediction, overlap.intersection, overlap.iou, overlap.truth))
    best = order[_last_of_each(overlap.truth[order])]
    missed, unused = np.ones(overlap.n_true, dtype=bool), np.ones(overlap.n_predicted, dtype=bool)
    missed[overlap.truth[best]] = unused[overlap.prediction[best]] = False
    alone = overlap.truth_areas[missed].sum() + overlap.prediction_areas[unused].sum()
    return int(overlap.intersection[best].sum()), int(overlap.union[best].sum() + alone)


def object_dice(overlap: Overlap) -> float:
    """Object-level Dice coefficient of one image.

    Each object, true or predicted, is compared with the object of the other kind that shares most pixels with it
    (0 where none does); the mean is weighted by area within each kind, and the two kinds count the same.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    float
        From 0 to 1; 1 where there are neither true nor predicted objects. Of objects that share the same number of
        pixels, the smaller one counts.

    References
    ----------
    Sirinukunwattana et al.: Gland segmentation in colon histology images: The GlaS challenge contest, Medical Image
    Analysis 35 (2017).
    """
    return float(dice(*map(np.asarray, dice_sums(overlap))))


def dice_sums(overlap: Overlap) -> tuple[float, int, float, int]:
    """Dice times area and area, summed over the true objects, then over the predicted ones."""
    areas = overlap.truth_areas[overlap.truth], overlap.prediction_areas[overlap.prediction]
    value = 2 * overlap.intersection / (areas[0] + areas[1])

    def weighted(objects: np.ndarray, area: np.ndarray) -> float:
        order = np.lexsort((value, overlap.intersection, objects))
        best = order[_last_of_each(objects[order])]
        return float(area[best] @ value[best])

    return (
        weighted(overlap.truth, areas[0]),
        int(overlap.truth_areas.sum()),
        weighted(overlap.prediction, areas[1]),
        int(overlap.prediction_areas.sum()),
    )


def dice(of_truth: np.ndarray, truth: np.ndarray, of_prediction: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Object-level Dice from the sums."""
    one_sided = (truth == 0) != (prediction == 0)  # then one of the means is of nothing, and the other is 0
    return np.where(one_sided, 0.0, (share(of_truth, truth) + share(of_prediction, prediction)) / 2)


def splits_and_merges(overlap: Overlap) -> tuple[int, int]:
    """How many true objects were split, and how many predicted objects are several.

    Parameters
    ----------
    overlap : Overlap
        What the objects share.

    Returns
    -------
    splits : int
        True objects in which at least two predicted objects lie with more than half of their area each.
    merges : int
        Predicted objects in which at least two true objects lie with more than half of their area each.

    References
    ----------
    Matula et al.: Cell Tracking Accuracy Measurement Based on Comparison of Acyclic Oriented Graphs, PLoS ONE 10
    (2015), e0144959, for merges (an object belongs to what covers more than half of it); splits are the same with
    the roles exchanged.
    """
    in_truth = 2 * overlap.intersection > overlap.prediction_areas[overlap.prediction]
    in_prediction = 2 * overlap.intersection > overlap.truth_areas[overlap.truth]
    splits = np.bincount(overlap.truth[in_truth]) >= 2
    merges = np.bincount(overlap.prediction[in_prediction]) >= 2
    return int(splits.sum()), int(merges.sum())


def _last_of_each(ascending: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(ascending, append=-1))
