"""Which cells express a marker: bright enough on the whole, and in most of their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from coverslip.core import Detections, Region

SHARE = 0.65
"""Share of the pixels of a positive cell that are above half of the threshold."""
_BLOCK = 1024

Area = Literal["ellipse", "box"]


def levels(
    found: Detections, read: Callable[[Region], np.ndarray], area: Area = "ellipse"
) -> Iterator[tuple[int, np.ndarray]]:
    """The grey values of each cell: those in its box, or in the ellipse that touches its edges.

    Parameters
    ----------
    found : Detections
        The cells.
    read : callable
        Gives the pixels ``(H, W)`` of a region of the marker's channel; the image is read in blocks, never as a whole.
    area : {"ellipse", "box"}
        Which pixels are those of a cell.

    Yields
    ------
    number : int
        Of the cell, from 0, block by block.
    values : ndarray, shape (n,)
        At least one.
    """
    height, width = found.size
    low = np.floor(found.boxes[:, :2]).astype(int).clip(0, [width - 1, height - 1])
    high = np.maximum(np.ceil(found.boxes[:, 2:]).astype(int), low + 1).clip(1, [width, height])
    block = found.centres.astype(int) // _BLOCK
    for at in np.unique(block, axis=0) if len(found) else ():
        own = np.flatnonzero((block == at).all(axis=1))
        x, y = low[own].min(axis=0).tolist()
        stop_x, stop_y = high[own].max(axis=0).tolist()
        pixels = read(Region(y, x, stop_y - y, stop_x - x))
        for i in own.tolist():
            cut = pixels[low[i, 1] - y : high[i, 1] - y, low[i, 0] - x : high[i, 0] - x]
            yield i, cut[_within(cut.shape)] if area == "ellipse" else cut.ravel()


def _within(shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = ((np.arange(n) + 0.5) / n * 2 - 1 for n in shape)
    inside = rows[:, None] ** 2 + columns[None] ** 2 <= 1
    return inside if inside.any() else np.ones(shape, bool)


def otsu(means: np.ndarray) -> float:
    """The threshold between dim and bright cells, from the mean of each (Otsu 1979)."""
    from skimage.filters import threshold_otsu

    values = np.asarray(means, float)
    return float(threshold_otsu(values)) if len(values) and np.ptp(values) > 0 else float("inf")


def positive(values: np.ndarray, threshold: float) -> bool:
    """Whether a cell expresses a marker: its mean is above the threshold and at least 65 % of its pixels above half."""
    return bool(values.mean() > threshold and (values > threshold / 2).mean() >= SHARE)


def expression(found: Detections, marker: str) -> list[dict[str, Any]]:
    """The percentage of positive cells of each class in regions of each class.

    Returns
    -------
    list of dict
        ``marker``, ``region`` (a class of regions, or ``all``), ``class``, ``cells``, ``positive``, ``percent`` (NaN
        where there are no such cells).
    """
    bright = np.asarray(found.columns[f"positive_{marker}"], bool)
    groups = [("all", np.ones(len(found), bool))]
    if found.regions is not None:
        at, names = np.asarray(found.columns["region"], int), found.regions.names
        groups = [(name, np.r_[False, names == name][at]) for name in found.regions.classes] + groups
    rows: list[dict[str, Any]] = []
    for name, inside in groups:
        for code, of_class in enumerate(found.classes):
            own = inside & (found.codes == code)
            count, some = int(own.sum()), int((own & bright).sum())
            percent = 100 * some / count if count else float("nan")
            rows.append(
                {
                    "marker": marker,
                    "region": name,
                    "class": of_class,
                    "cells": count,
                    "positive": some,
                    "percent": percent,
                }
            )
    return rows
