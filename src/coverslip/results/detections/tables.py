"""Detections as rows of a table, those of several images below each other, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import Detections, PixelSize
from coverslip.core.marks import Rings
from coverslip.io.marks.tables import EDGES
from coverslip.measure.detections.places import composition

POSITIVE = "positive_"
"""Columns that begin so say which cells express a marker."""

_OURS = ("row", "image", "object", "class", "score", *EDGES, "x_px", "y_px", "x_um", "y_um", "outline")


def marker_names(found: Detections) -> list[str]:
    """The markers that are known of the cells."""
    return [name.removeprefix(POSITIVE) for name in found.columns if name.startswith(POSITIVE)]


def object_columns(found: Detections) -> dict[str, np.ndarray]:
    """Detections as columns of a table."""
    middle = found.centres
    table: dict[str, np.ndarray] = {
        "object": np.arange(1, len(found) + 1),
        "class": found.names,
        "score": found.score,
        **{name: found.boxes[:, k] for k, name in enumerate(EDGES)},
        "x_px": middle[:, 0],
        "y_px": middle[:, 1],
    }
    if found.pixel_size is not None:
        table |= {"x_um": middle[:, 0] * found.pixel_size.x, "y_um": middle[:, 1] * found.pixel_size.y}
    table |= {name: np.asarray(column) for name, column in found.columns.items()}
    if found.regions is not None:
        names = np.array(["outside", *found.regions.names], object)
        table["region_class"] = names[np.asarray(found.columns["region"], int)]
    if found.outlines is not None:
        rings = [[ring.round(3).tolist() for ring in each] for each in found.outlines]
        table["outline"] = np.array([json.dumps(each) for each in rings], object)
    return table


def rows_as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Rows as the columns of a table; what a row lacks is missing."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: np.array([row.get(name, float("nan")) for row in rows]) for name in names}


def compositions(images: Sequence[str], found: Sequence[Detections]) -> list[dict[str, Any]]:
    """How many objects of each class lie in regions of each class, image by image."""
    return [{"image": image, **row} for image, one in zip(images, found, strict=True) for row in composition(one)]


def stacked(images: Sequence[str], tables: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Tables of images below each other, with the image in front; numbers that one lacks are missing."""
    counts = [len(next(iter(table.values()), ())) for table in tables]
    names = list(dict.fromkeys(name for table in tables for name in table))
    stacked: dict[str, np.ndarray] = {
        "row": np.repeat(np.arange(1, len(images) + 1), counts),
        "image": np.repeat(np.array(images, object), counts),
    }
    for name in names:
        known = next(table[name] for table in tables if name in table)
        lacks = np.array([""], object) if known.dtype == object else np.array([np.nan])
        parts = [
            table[name] if name in table else np.repeat(lacks, count)
            for table, count in zip(tables, counts, strict=True)
            if count or name in table
        ]
        stacked[name] = np.concatenate(parts)
    return stacked


def parted(table: Mapping[str, np.ndarray], count: int) -> list[dict[str, np.ndarray]]:
    """The table of each image."""
    row = np.asarray(table["row"], int)
    return [{name: values[row == number] for name, values in table.items()} for number in range(1, count + 1)]


def value_of(
    table: Mapping[str, np.ndarray],
    classes: tuple[str, ...],
    source: str,
    size: tuple[int, ...],
    pixel: PixelSize | None,
    facts: Mapping[str, Any],
) -> Detections:
    """The detections of one image, from the rows of its table."""
    place = {name: code for code, name in enumerate(classes)}
    outlines: tuple[Rings, ...] | None = None
    if "outline" in table:
        outlines = tuple(rings_of(json.loads(text)) for text in table["outline"].tolist())
    return Detections(
        classes,
        np.stack([np.asarray(table[name], np.float64) for name in EDGES], axis=1).reshape(-1, 4),
        np.array([place.get(name, -1) for name in table["class"].tolist()], np.intp),
        np.asarray(table["score"], np.float64),
        source,
        (int(size[0]), int(size[1])),
        pixel,
        facts,
        {name: column for name, column in table.items() if name not in (*_OURS, "region_class")},
        outlines,
    )


def rings_of(lists: Any) -> Rings:
    """Outlines as JSON holds them, as arrays of points."""
    return tuple(np.asarray(ring, np.float64).reshape(-1, 2) for ring in lists)
