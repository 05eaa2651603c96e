"""What lies around labelled objects: rings beside nuclei, and nuclei grown to cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, isfinite

import numpy as np

from coverslip.core import InputError, PixelSize, Region
from coverslip.measure.objects.runs import find_runs, intensities, strips
from coverslip.measure.objects.shapes import Table, intensity_columns, pixel_reader


def grow_labels(labels: np.ndarray, distance: float, spacing: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Let every object grow into the background; objects never grow into each other.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers, 0 for background.
    distance : float
        How far, in the unit of `spacing`. A pixel belongs to the nearest object.
    spacing : (float, float)
        Height and width of a pixel.

    Returns
    -------
    ndarray of int, shape (H, W)
        As `skimage.segmentation.expand_labels` gives it, some rows at a time.

    Raises
    ------
    InputError
        If the distance is negative, or no number.
    """
    from skimage.segmentation import expand_labels

    if not (isfinite(distance) and distance >= 0):
        raise InputError(f"Objects cannot grow by {distance}; give a distance of 0 or more.")
    grown = np.zeros_like(labels)
    margin = ceil(distance / spacing[0])
    for region in strips(labels.shape):
        low, high = max(region.y - margin, 0), min(region.stop_y + margin, len(labels))
        if labels[low:high].any():  # else nothing is nearest
            wide = expand_labels(labels[low:high], distance, spacing)
            grown[region.y : region.stop_y] = wide[region.y - low : region.stop_y - low]
    return grown


def ring_table(
    labels: np.ndarray,
    pixels: np.ndarray | Callable[[Region], np.ndarray] | None = None,
    channels: Sequence[str] = (),
    *,
    ring: float = 0,
    grow: float = 0,
    pixel_size: PixelSize | None = None,
    unit: str = "px",
) -> Table:
    """Measure what lies around the objects of a label image.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Nuclei, say: object numbers, 0 for background.
    pixels, channels, pixel_size
        As for `object_table`.
    ring : float
        Width of a ring around each object, which begins at its outline and leaves out all other objects; of pixels
        between two objects each has those nearer to it. 0: none.
    grow : float
        How far each object is grown to a cell, the object itself included. 0: not at all.
    unit : {"px", "um"}
        Of both.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        In the order of the labels: ``ring_area_px`` and for each channel ``<name>_ring_mean``, ``_std``, ``_min``,
        ``_max`` and ``_sum``; likewise ``cell_area_px`` and ``<name>_cell_mean``, …. Where the pixel size is known also
        ``ring_area_um2`` and ``cell_area_um2``. An object without room for a ring has an area of 0 and no intensities
        (NaN).

    Raises
    ------
    InputError
        If a distance is negative, or in µm where the size of a pixel is unknown.
    """
    if unit not in ("px", "um"):
        raise InputError(f"There is no unit '{unit}'; give distances in px or um.")
    if unit == "um" and pixel_size is None:
        raise InputError("The image does not say how large its pixels are; give the distance in pixels.")
    spacing = (pixel_size.y, pixel_size.x) if unit == "um" and pixel_size is not None else (1.0, 1.0)
    numbers = find_runs(labels).numbers
    table: Table = {}
    for name, distance in (("ring", ring), ("cell", grow)):
        if not distance:
            continue
        around = grow_labels(labels, distance, spacing)
        if name == "ring":
            around[labels > 0] = 0
        runs = find_runs(around)
        row = np.searchsorted(numbers, runs.numbers)  # some have no room for a ring
        area = np.zeros(len(numbers), np.int64)
        area[row] = runs.sums(runs.stop - runs.start)
        table[f"{name}_area_px"] = area
        if pixel_size is not None:
            table[f"{name}_area_um2"] = area * pixel_size.y * pixel_size.x
        if pixels is not None:
            read, count = pixel_reader(pixels, Region(0, 0, *labels.shape))
            found = intensities(around, runs.numbers, read)
            for column, values in intensity_columns(found, channels, count, f"_{name}").items():
                table[column] = np.full(len(numbers), np.nan)
                table[column][row] = values
    return table
