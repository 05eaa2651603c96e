"""Labelled objects as ImageJ regions of interest, for the ROI Manager of Fiji."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap
from coverslip.io.atomic import atomic_path
from coverslip.io.writing.outlines import Outline, trace_outlines

_MOVE, _LINE, _CLOSE = 0, 1, 4
# ImageJ keeps whole coordinates in 16 bits; where an image is larger than these hold, decimals go with them.
_LARGEST = 60535


def write_rois(labels: LabelMap | np.ndarray, path: str | Path) -> Path:
    """Write labels as a zip of ImageJ ROIs, one per object, exactly along the edges of pixels.

    Parameters
    ----------
    labels : LabelMap or ndarray of int, shape (H, W) or (L, H, W)
        Object numbers, 0 for background; of objects that overlap, layers.
    path : str or Path
        Ends in ``.zip``.

    Returns
    -------
    Path
        The file written; the name of a ROI is the label of its object. An object is a traced ROI, as ImageJ's wand
        makes it; one with holes or several parts, a composite ROI.

    Raises
    ------
    InputError
        If the ending is another, or the file cannot be written.
    """
    from roifile import roiwrite

    path = Path(path)
    if path.suffix.lower() != ".zip":
        raise InputError(f"{path} should end in .zip, because several ROIs are kept in one.")
    outlines = trace_outlines(labels.labels if isinstance(labels, LabelMap) else labels)
    with atomic_path(path) as temporary:
        roiwrite(temporary, (_roi(outline) for outline in outlines), mode="w")
    return path


def _roi(outline: Outline) -> Any:
    from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

    rings = [ring for part in outline.parts for ring in part]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    roi = ImagejRoi(name=str(outline.label), left=left, top=top, right=right, bottom=bottom)
    if len(rings) > 1:
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = len(roi.multi_coordinates)
        return roi
    roi.roitype = ROI_TYPE.TRACED
    roi.n_coordinates = len(corners)
    roi.integer_coordinates = corners - [left, top]
    if max(right, bottom) > _LARGEST:
        roi.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        roi.subpixel_coordinates = corners.astype(np.float32)
    return roi


def _path(ring: np.ndarray) -> np.ndarray:
    """A ring as the steps of a composite ROI: move, lines, close."""
    steps = np.column_stack([np.full(len(ring), _LINE), ring]).astype(np.float32)
    steps[0, 0] = _MOVE
    return np.append(steps.ravel(), np.float32(_CLOSE))
