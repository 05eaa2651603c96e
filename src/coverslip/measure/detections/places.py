"""Which region objects lie in, and what regions hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import UNNAMED, Detections
from coverslip.core.marks import Rings, box_of
from coverslip.measure.detections.painting import inside

_GRID = 1024
"""Points along the longer side of an outline where it is compared with areas that are left out."""


def within(points: np.ndarray, rings: Rings) -> np.ndarray:
    """Which points ``(N, 2)`` lie in an outline: in an odd number of its rings; ``(N,)`` bool."""
    from skimage.measure import points_in_poly

    found = np.zeros(len(points), bool)
    x0, y0, x1, y1 = box_of(rings)
    near = np.flatnonzero((points[:, 0] >= x0) & (points[:, 0] <= x1) & (points[:, 1] >= y0) & (points[:, 1] <= y1))
    for ring in rings:
        found[near] ^= points_in_poly(points[near], ring)
    return found


def region_of(found: Detections, regions: Detections) -> np.ndarray:
    """The number of the region that the middle of each object lies in, from 1; 0: in none.

    Where regions overlap, it is the surest one, of equally sure ones the first.
    """
    numbers = np.zeros(len(found), int)
    for i in np.argsort(-regions.score, kind="stable").tolist():
        rings = (regions.outlines or ())[i]
        free = np.flatnonzero(numbers == 0)
        numbers[free[within(found.centres[free], rings)]] = i + 1
    return numbers


def in_regions(found: Detections, regions: Detections) -> Detections:
    """Objects with the region that each lies in."""
    return replace(found.with_columns(region=region_of(found, regions)), regions=regions)


def outside(found: Detections, excluded: Sequence[Rings]) -> np.ndarray:
    """Which objects lie in none of the areas that are left out, by the middle of their boxes."""
    kept = np.ones(len(found), bool)
    for rings in excluded:
        kept &= ~within(found.centres, rings)
    return kept


def area_of(rings: Rings) -> float:
    """Pixels in an outline; holes taken off."""
    areas = []
    for ring in rings:
        x, y = ring.T
        areas.append(abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2)
    deep = [sum(_around(other, ring) for other in rings if other is not ring) for ring in rings]
    return sum(area * (1 if depth % 2 == 0 else -1) for area, depth in zip(areas, deep, strict=True))


def _around(ring: np.ndarray, inner: np.ndarray) -> bool:
    return bool(within(inner[:1], (ring,))[0])


def areas_of(outlines: Sequence[Rings], size: tuple[int, int], excluded: Sequence[Rings] = ()) -> np.ndarray:
    """Pixels in each outline, ``(N,)``, without what is left out (once, where such areas overlap) or off the image.

    Parameters
    ----------
    outlines : sequence of Rings
    size : tuple of int
        Height and width of the image.
    excluded : sequence of Rings
        Areas that are left out.
    """
    found = []
    for rings in outlines:
        x0, y0, x1, y1 = box_of(rings)
        cut = [other for other in excluded if _touch(box_of(other), (x0, y0, x1, y1))]
        whole = not cut and x0 >= 0 and y0 >= 0 and x1 <= size[1] and y1 <= size[0]
        found.append(area_of(rings) * (1.0 if whole else _left(rings, size, cut)))
    return np.array(found)


def _touch(one: Any, other: Any) -> bool:
    return bool(one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])


def _left(rings: Rings, size: tuple[int, int], excluded: Sequence[Rings]) -> float:
    """The share of an outline that lies on the image and in no area that is left out, on a grid."""
    x0, y0, x1, y1 = box_of(rings)
    scale = _GRID / max(x1 - x0, y1 - y0)
    shape = max(1, round((y1 - y0) * scale)), max(1, round((x1 - x0) * scale))
    step = np.array([(x1 - x0) / shape[1], (y1 - y0) / shape[0]])
    own = inside(rings, shape, np.array([x0, y0]), step)
    y, x = (start + (np.arange(n) + 0.5) * by for start, n, by in ((y0, shape[0], step[1]), (x0, shape[1], step[0])))
    kept = own & ((y >= 0) & (y < size[0]))[:, None] & ((x >= 0) & (x < size[1]))
    for other in excluded:
        kept &= ~inside(other, shape, np.array([x0, y0]), step)
    return float(kept.sum() / max(own.sum(), 1))


def composition(found: Detections) -> list[dict[str, Any]]:
    """How many objects of each class lie in regions of each class.

    Returns
    -------
    list of dict
        ``region`` (a class of regions, `UNNAMED` of those without one, ``outside`` of all regions, or ``all``),
        ``class``, ``count``, ``share`` of the objects there, ``regions`` (how many there are), and where the size of
        pixels is known ``area_mm2`` and ``per_mm2``.
    """
    unit = None if found.pixel_size is None else found.pixel_size.y * found.pixel_size.x / 1e6
    height, width = found.size
    image = (np.array([[0.0, 0], [width, 0], [width, height], [0, height]]),)
    whole = float(areas_of([image], found.size, found.excluded)[0])
    groups: list[tuple[str, np.ndarray, float, int]] = []
    if found.regions is not None:
        own = found.regions
        areas = areas_of(own.outlines or (), found.size, found.excluded)
        names = own.names
        at = np.asarray(found.columns["region"], int)
        for name in (*own.classes, UNNAMED):
            of_class = names == name
            inside = np.r_[False, of_class][at]
            groups.append((name, inside, float(areas[of_class].sum()), int(of_class.sum())))
        groups.append(("outside", at == 0, max(whole - float(areas.sum()), 0.0), 0))
    groups.append(("all", np.ones(len(found), bool), whole, 0 if found.regions is None else len(found.regions)))
    rows: list[dict[str, Any]] = []
    for name, inside, area, count in groups:
        for code, of_class in enumerate(found.classes):
            number = int((inside & (found.codes == code)).sum())
            row: dict[str, Any] = {"region": name, "class": of_class, "count": number}
            row["share"] = number / inside.sum() if inside.any() else float("nan")
            row["regions"] = count
            if unit is not None:
                row["area_mm2"] = area * unit
                row["per_mm2"] = number / (area * unit) if area else float("nan")
            rows.append(row)
    return rows


def region_table(found: Detections) -> dict[str, np.ndarray]:
    """A row for each region: number, class, share of the votes, area, how many objects of each class it holds."""
    own = found.regions
    if own is None:
        return {}
    at = np.asarray(found.columns["region"], int)
    table: dict[str, np.ndarray] = {"region": np.arange(1, len(own) + 1), "class": own.names, "score": own.score}
    table |= {name: np.asarray(column) for name, column in own.columns.items()}
    table["area_px"] = areas_of(own.outlines or (), found.size, found.excluded)
    if found.pixel_size is not None:
        table["area_mm2"] = table["area_px"] * found.pixel_size.y * found.pixel_size.x / 1e6
    for code, name in enumerate(found.classes):
        table[f"cells_{name}"] = np.bincount(at[found.codes == code], minlength=len(own) + 1)[1:]
    return table
