"""The measures of objects written down plainly, with sets of pixels and every assignment tried: easy to check."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

Objects = dict[int, set[int]]


def pixel_sets(labels: np.ndarray) -> Objects:
    """The pixels of each object."""
    flat = labels.ravel().tolist()
    return {label: {i for i, other in enumerate(flat) if other == label} for label in sorted(set(flat) - {0})}


def iou(a: set[int], b: set[int]) -> Fraction:
    return Fraction(len(a & b), len(a | b))


def best_assignment(
    truth: np.ndarray, prediction: np.ndarray, threshold: Fraction, strict: bool = False
) -> tuple[int, Fraction]:
    """Most pairs, and among those the largest sum of IoU, of all ways to pair objects one for one."""
    t, p = pixel_sets(truth), pixel_sets(prediction)
    best = (0, Fraction(0))
    for partners in product([None, *p], repeat=len(t)):
        chosen = [partner for partner in partners if partner is not None]
        if len(set(chosen)) < len(chosen):
            continue
        values = [iou(a, p[partner]) for a, partner in zip(t.values(), partners, strict=True) if partner is not None]
        if all(value > threshold if strict else value >= threshold for value in values):
            best = max(best, (len(values), sum(values, Fraction(0))))
    return best


def aggregated_jaccard(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Kumar et al. 2017, algorithm 1, line by line; of equal IoU more shared pixels, then the lower label."""
    t, p = pixel_sets(truth), pixel_sets(prediction)
    shared = together = 0
    used = set()
    for a in t.values():
        overlapping = [label for label, b in p.items() if a & b]
        if not overlapping:
            together += len(a)
            continue
        best = max(overlapping, key=lambda label: (iou(a, p[label]), len(a & p[label]), -label))
        shared += len(a & p[best])
        together += len(a | p[best])
        used.add(best)
    together += sum(len(b) for label, b in p.items() if label not in used)
    return shared / together if together else 1.0


def object_dice(truth: np.ndarray, prediction: np.ndarray) -> float:
    """The mean over both directions of the mean Dice, by area, with the object that shares most."""
    t, p = list(pixel_sets(truth).values()), list(pixel_sets(prediction).values())
    if not t and not p:
        return 1.0

    def one_way(objects: list[set[int]], others: list[set[int]]) -> float:
        values = []
        for a in objects:
            overlapping = [b for b in others if a & b]
            b = max(overlapping, key=lambda b: (len(a & b), -len(b)), default=set())
            values.append(len(a) * 2 * len(a & b) / (len(a) + len(b)))
        return sum(values) / max(1, sum(map(len, objects)))

    return (one_way(t, p) + one_way(p, t)) / 2


def splits_and_merges(truth: np.ndarray, prediction: np.ndarray) -> tuple[int, int]:
    t, p = list(pixel_sets(truth).values()), list(pixel_sets(prediction).values())
    splits = sum(sum(2 * len(a & b) > len(b) for b in p) >= 2 for a in t)
    merges = sum(sum(2 * len(a & b) > len(a) for a in t) >= 2 for b in p)
    return splits, merges


def boundary(truth: np.ndarray, prediction: np.ndarray, pairs: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Mean symmetric distance and Hausdorff 95 % of the outlines of given pairs of labels."""
    found = []
    for a, b in pairs:
        one, other = outline(truth == a), outline(prediction == b)
        apart = np.hypot(*(one[:, None, k] - other[None, :, k] for k in range(2)))
        there, back = apart.min(axis=1), apart.min(axis=0)
        found.append((np.concatenate([there, back]).mean(), max(np.quantile(there, 0.95), np.quantile(back, 0.95))))
    return found


def outline(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inside).astype(float)
