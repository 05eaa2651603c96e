"""Crops of equal size around labelled objects of one image."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from coverslip.core import Image, InputError
from coverslip.measure import object_table
from coverslip.samples.cutting.objects import Objects, measure_objects
from coverslip.samples.opening.planes import Planes
from coverslip.samples.sheets.rows import check_finite

Neighbours = Literal["keep", "mask"]
Border = Literal["pad", "drop", "shift"]
Table = dict[str, np.ndarray]


def crop_objects(
    image: Image,
    labels: np.ndarray,
    size: int | tuple[int, int],
    *,
    neighbours: Neighbours = "keep",
    border: Border = "pad",
    fill: float | Literal["background"] = "background",
    min_area: float = 0,
    max_area: float = np.inf,
    planes: str | int = "channels",
) -> tuple[np.ndarray, Table]:
    """Cut one crop around the centroid of each labelled object.

    Parameters
    ----------
    image : Image
        ``YX``, ``CYX``, ``ZYX`` or ``CZYX``.
    labels : ndarray of int, shape (H, W)
        Object numbers; 0 is background.
    size : int or (int, int)
        Height and width of the crops, in pixels.
    neighbours : {"keep", "mask"}
        Leave what lies around the object, or fill every pixel that is not its own.
    border : {"pad", "drop", "shift"}
        Where a crop reaches over the border of the image: fill what lies outside, leave the object out, or move
        the crop inside (the object is then off its centre).
    fill : float or "background"
        What is put into filled pixels: a grey value, or each channel's median over the pixels without an object
        (0 where there is none).
    min_area, max_area : float
        Objects with fewer or more pixels are left out.
    planes : str or int
        What becomes of focal planes, as in `open_samples`.

    Returns
    -------
    crops : ndarray, shape (n, C, height, width)
        Dtype as stored, in the order of the object numbers.
    table : dict of str to ndarray, shape (n,)
        ``object`` (its number), ``area_px``, ``area_um2``, ``y_px``, ``x_px`` (the centroid, in pixels: the centre
        of the first pixel is 0, 0), ``y_um``, ``x_um``, ``top_px``, ``left_px`` (the first row and column of the
        crop; below 0 where it reaches over the border), ``touches_border`` (the image border cuts the object, maybe)
        and ``truncated`` (the object is not wholly inside its crop). µm are NaN where the pixel size is unknown. Then
        shapes and intensities as `coverslip.measure.object_table` has them (``solidity``, ``<channel>_mean`` …).

    Raises
    ------
    InputError
        If labels and image differ in shape, a float image holds NaN, or an option is impossible.
    """
    height, width = checked_options(size, neighbours, border)
    labels = _checked_labels(image, labels)
    if border == "shift" and (height > image.height or width > image.width):
        raise InputError(
            f"{image.source}: crops of {height} x {width} pixels do not fit into {image.height} x {image.width}; "
            "choose a smaller size, or border='pad'."
        )
    objects = measure_objects(labels)
    objects = objects.take((objects.area >= min_area) & (objects.area <= max_area))
    top = np.rint(objects.y - (height - 1) / 2).astype(np.intp)
    left = np.rint(objects.x - (width - 1) / 2).astype(np.intp)
    if border == "shift":
        top, left = top.clip(0, image.height - height), left.clip(0, image.width - width)
    elif border == "drop":
        inside = (top >= 0) & (left >= 0) & (top + height <= image.height) & (left + width <= image.width)
        objects, top, left = objects.take(inside), top[inside], left[inside]
    pixels = Planes.parse(planes).read(image)
    check_finite(pixels, image.source)
    blank = _blank(pixels, labels, fill, image.source)
    crops = _windows(pixels, top, left, height, width, blank)
    if neighbours == "mask":
        own = _windows(labels[None], top, left, height, width, np.zeros(1, labels.dtype))
        crops = np.where(own == objects.number[:, None, None, None], crops, blank[:, None, None])
    table = _table(objects, top, left, height, width, image)
    return crops, {**table, **_measures(labels, pixels, objects, Planes.parse(planes).names(image), image)}


def checked_options(size: int | tuple[int, int], neighbours: str, border: str) -> tuple[int, int]:
    """Height and width, once all three options are known to be possible."""
    height, width = size if isinstance(size, tuple) else (size, size)
    if height < 1 or width < 1:
        raise InputError(f"Crops of {height} x {width} pixels hold nothing; give a larger size.")
    if neighbours not in get_args(Neighbours):
        raise InputError(f"neighbours='{neighbours}' is not known; say keep or mask.")
    if border not in get_args(Border):
        raise InputError(f"border='{border}' is not known; say pad, drop or shift.")
    return height, width


def _checked_labels(image: Image, labels: np.ndarray) -> np.ndarray:
    if labels.shape != (image.height, image.width):
        raise InputError(
            f"{image.source}: the mask has shape {labels.shape}, the image {(image.height, image.width)}; "
            "give the mask of this image."
        )
    if labels.dtype.kind not in "iu":
        raise InputError(f"{image.source}: the mask holds {labels.dtype}, not whole numbers; give a label image.")
    return labels


def _blank(pixels: np.ndarray, labels: np.ndarray, fill: float | str, source: str) -> np.ndarray:
    """The value of filled pixels per channel, ``(C,)``, in the dtype of the image."""
    channels = len(pixels)
    if fill != "background":
        blank = np.full(channels, fill)
    elif (labels == 0).any():
        blank = np.median(pixels[:, labels == 0], axis=1)
    else:
        blank = np.zeros(channels)
    if pixels.dtype.kind in "iu":
        limits = np.iinfo(pixels.dtype)
        blank = np.rint(blank)
        if blank.min() < limits.min or blank.max() > limits.max:
            raise InputError(f"{source}: {fill} does not fit into {pixels.dtype}; choose another fill value.")
    return blank.astype(pixels.dtype)


def _windows(
    pixels: np.ndarray, top: np.ndarray, left: np.ndarray, height: int, width: int, blank: np.ndarray
) -> np.ndarray:
    """Windows of ``(C, H, W)`` at the given corners, ``(n, C, height, width)``; outside the image is `blank`."""
    rows = top[:, None] + np.arange(height)
    columns = left[:, None] + np.arange(width)
    _, h, w = pixels.shape
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    crops = pixels[:, rows.clip(0, h - 1)[:, :, None], columns.clip(0, w - 1)[:, None, :]].swapaxes(0, 1)
    return crops.copy() if inside.all() else np.where(inside[:, None], crops, blank[:, None, None])


def _table(objects: Objects, top: np.ndarray, left: np.ndarray, height: int, width: int, image: Image) -> Table:
    dy, dx = (image.pixel_size.y, image.pixel_size.x) if image.pixel_size else (np.nan, np.nan)
    truncated = (objects.top < top) | (objects.left < left)
    truncated |= (objects.bottom > top + height) | (objects.right > left + width)
    touches = (objects.top == 0) | (objects.left == 0)
    touches |= (objects.bottom == image.height) | (objects.right == image.width)
    return {
        "object": objects.number,
        "area_px": objects.area,
        "area_um2": objects.area * dy * dx,
        "y_px": objects.y,
        "x_px": objects.x,
        "y_um": objects.y * dy,
        "x_um": objects.x * dx,
        "top_px": top,
        "left_px": left,
        "touches_border": touches,
        "truncated": truncated,
    }


_PLACES = ("label", "area_px", "area_um2", "y_px", "x_px", "y_um", "x_um", "touches_border")
"""Columns of the table of objects that crops have of their own."""


def _measures(
    labels: np.ndarray, pixels: np.ndarray, objects: Objects, channels: tuple[str, ...], image: Image
) -> Table:
    """Shapes and intensities of the objects."""
    table = object_table(labels, pixels, channels, pixel_size=image.pixel_size)
    rows = np.searchsorted(table["label"], objects.number)
    box = ("top_px", "left_px", "bottom_px", "right_px")
    return {name: column[rows] for name, column in table.items() if name not in (*_PLACES, *box)}
