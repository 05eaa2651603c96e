"""What is marked in each field: read from the file that a sheet names for it, or that lies beside its image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from coverslip.core import Fields, FieldSubset, InputError, Marks
from coverslip.core.fields import ArrayFields
from coverslip.core.marks import box_of
from coverslip.io.marks.reading import read_marks
from coverslip.io.writing.outlines import trace_outlines
from coverslip.nn.boxes import clipped
from coverslip.samples.opening.fields import SheetFields
from coverslip.samples.sheets.annotated import annotation_of, has_twins

_TOLERANCE = 1.0
"""Pixels that a box may reach over the border: programs count the last pixel differently."""
_SHARE, _SMALLEST, _LARGEST = 0.9, 6.0, 96.0


class MarkedArrays(ArrayFields):
    """Images in memory with their marks.

    Parameters
    ----------
    images : sequence of ndarray, each (C, H, W) or (H, W)
        The images.
    marks : sequence of Marks
        Of each.
    **more
        As for `coverslip.core.fields.ArrayFields`.
    """

    def __init__(self, images: Sequence[np.ndarray], marks: Sequence[Marks], **more: Any) -> None:
        super().__init__(images, **more)
        self._marks = list(marks)
        if len(self._marks) != len(self):
            raise InputError(f"There are {len(self)} images, but marks of {len(self._marks)}.")

    def marks(self, index: int) -> Marks:
        """As given."""
        return self._marks[index]


def has_marks(fields: Fields) -> bool:
    """Whether the objects of any field are marked: in the sheet, beside its images, or by masks."""
    if isinstance(fields, FieldSubset):
        return has_marks(fields.fields)
    if isinstance(fields, SheetFields):
        return fields.has_labels or any(annotation_of(fields.sheet, i) is not None for i in range(len(fields)))
    return hasattr(fields, "marks") or fields.has_labels


def marks_of(fields: Fields, index: int, *, bad: Literal["refuse", "drop"] = "refuse") -> Marks:
    """What is marked in a field, in its pixels.

    Parameters
    ----------
    fields : Fields
        From a sheet whose column ``annotation`` (or ``points``) names a file for each image
        (`coverslip.io.marks.reading`); or with a file of the image's name beside it, or in a folder ``annotations``
        or ``points``; or with masks, whose objects are of the class that the column ``label`` says, else ``object``.
    index : int
        Which.
    bad : {"refuse", "drop"}
        What becomes of boxes without area, or more than a pixel outside the image: an error, or they are left out, or
        cut at the border where a part of them is inside.

    Raises
    ------
    InputError
        Naming the file and the object, if it has no class or is such a box.
    """
    if isinstance(fields, FieldSubset):
        return marks_of(fields.fields, int(fields.indices[index]), bad=bad)
    where = fields.name(index)
    if isinstance(fields, SheetFields):
        file = annotation_of(fields.sheet, index)
        if file is None and not fields.has_labels:
            raise InputError(
                f"{fields.sheet.where(index)}: nothing marks the objects of this image; name a file in the column "
                "'annotation', or leave the image out."
            )
        if file is not None:
            image = fields.image(index)
            marks = read_marks(file, image.source, fields.size(index), has_twins(fields.sheet.rows, index))
            return mended(marks, fields.size(index), str(file), bad)
    elif hasattr(fields, "marks"):
        found: Marks = fields.marks(index)
        return mended(found, fields.size(index), where, bad)
    said = fields.obs.get("label")
    return _of_labels(fields.labels(index), "object" if said is None else str(said[index]) or "object")


def marks_in(fields: Fields, index: int, column: str) -> Marks:
    """What a file marks in a field that a further column of the sheet names, such as cells beside regions.

    Raises
    ------
    InputError
        If there is no sheet, no such column or no file; or naming the file, if it cannot be read.
    """
    if isinstance(fields, FieldSubset):
        return marks_in(fields.fields, int(fields.indices[index]), column)
    if not isinstance(fields, SheetFields) or not fields.sheet.has(column):
        raise InputError(f"There is no column '{column}'; name a file of marks in it for each image of the sheet.")
    file = fields.sheet.file(index, column)
    if file is None:
        raise InputError(f"{fields.sheet.where(index)}: the column '{column}' is empty; name a file of marks.")
    size = fields.size(index)
    return mended(read_marks(file, fields.image(index).source, size), size, str(file), "drop")


def mended(marks: Marks, size: tuple[int, int], where: str, bad: Literal["refuse", "drop"]) -> Marks:
    """Marks whose boxes lie in the image and have an area; see `marks_of`."""
    height, width = size
    inside = clipped(marks.boxes, size)
    beyond = np.abs(inside - marks.boxes).max(axis=1, initial=0) > _TOLERANCE
    empty = np.zeros(len(marks), bool) if marks.points else ((inside[:, 2:] - inside[:, :2]) <= 0).any(axis=1)
    unnamed = np.flatnonzero(marks.names == "")
    if len(unnamed):
        raise InputError(f"{where}: object {int(unnamed[0]) + 1} has no class; name it, or delete it.")
    odd = np.flatnonzero(~np.isfinite(marks.boxes).all(axis=1) | beyond | empty)
    if len(odd) and bad == "refuse":
        i = int(odd[0])
        box = ", ".join(f"{edge:g}" for edge in marks.boxes[i][: 2 if marks.points else 4])
        flat = (marks.boxes[i, 2:] <= marks.boxes[i, :2]).any() and not marks.points
        what = "has no area" if flat else f"lies outside the image of {width} x {height} pixels"
        raise InputError(
            f"{where}: object {i + 1} ('{marks.names[i]}', {box}) {what}; mend it, or leave such ones out with "
            "--set bad_boxes=drop."
        )
    kept = ~empty & np.isfinite(marks.boxes).all(axis=1) & ~(beyond & marks.points)
    found = Marks(inside, marks.names, marks.outlines, marks.points)
    return found if kept.all() else found.take(kept)


def side_of_points(marked: Sequence[Marks]) -> float:
    """The side of the boxes to put around points, pixels: 0.9 of the median distance to the nearest point.

    Boxes of neighbours then hardly overlap. It is at least 6 and at most 96.
    """
    from scipy.spatial import cKDTree

    away = [cKDTree(own.centres).query(own.centres, k=2)[0][:, 1] for own in marked if len(own) > 1]
    if not away:
        return _SMALLEST
    return float(np.clip(_SHARE * np.median(np.concatenate(away)), _SMALLEST, _LARGEST))


def _of_labels(labels: np.ndarray, name: str) -> Marks:
    outlines = trace_outlines(labels)
    if not outlines:
        return Marks.none(outlined=True)
    rings = tuple(tuple(ring.astype(np.float64) for part in one.parts for ring in part) for one in outlines)
    boxes = np.stack([box_of(each) for each in rings])
    return Marks(boxes, np.array([name] * len(boxes), object), rings)
