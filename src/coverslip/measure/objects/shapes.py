"""One row per labelled object: place, size, shape and intensity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from coverslip.core import Image, InputError, LabelMap, PixelSize, Region
from coverslip.core.words import number_of
from coverslip.measure.objects.hulls import hull_areas
from coverslip.measure.objects.runs import Pixels, Runs, find_runs, intensities, strips

Table = dict[str, np.ndarray]
"""Column name to one value per object."""

Moments = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Variances along y and x, and covariance, of each object."""


def object_table(
    labels: LabelMap | np.ndarray,
    pixels: np.ndarray | Image | Callable[[Region], np.ndarray] | None = None,
    channels: Sequence[str] = (),
    *,
    pixel_size: PixelSize | None = None,
    part: Region | None = None,
    whole: tuple[int, int] | None = None,
) -> Table:
    """Measure every object of a label image.

    Parameters
    ----------
    labels : LabelMap or ndarray of int, shape (H, W)
        Object numbers, with gaps or without; 0 is background. An object may be in several parts.
    pixels : ndarray, shape (C, H, W) or (H, W), Image or callable, optional
        The image, for intensities (an `Image` brings its channels and the size of its pixels); or what reads a region
        of it as ``(C, h, w)``, such as ``lambda region: fields.pixels(i, region)``, so that a large image is never
        held whole.
    channels : sequence of str, optional
        Channel names; else channels are called by their number, or ``intensity`` where there is one.
    pixel_size : PixelSize, optional
        Micrometres per pixel; default: that of the label map.
    part : Region, optional
        Where the labels lie in a larger image: places are those in it, and what reads `pixels` reads regions of it.
    whole : (int, int), optional
        Height and width of that image.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        In the order of the labels:

        ``label``; ``y_px``, ``x_px`` (centroid; the centre of the first pixel is 0, 0); ``top_px``, ``left_px``,
        ``bottom_px``, ``right_px`` (bounding box, half-open); ``area_px``; ``equivalent_diameter_px`` (of the disc of
        that area); ``perimeter_px`` [1]_; ``major_axis_px``, ``minor_axis_px`` (of the ellipse with the same second
        moments), ``eccentricity`` (0 to 1) and ``orientation_deg`` (−90 to 90: how far the long axis is turned from
        the vertical, counterclockwise) of that ellipse; ``solidity`` (area by that of the convex hull);
        ``circularity`` (4π area / perimeter², 1 for a disc, about; NaN without a perimeter); ``touches_border``.

        Where the pixel size is known also ``y_um``, ``x_um``, ``area_um2``, ``equivalent_diameter_um``,
        ``major_axis_um``, ``minor_axis_um``, ``perimeter_um``. Where it is known and pixels are not square,
        eccentricity, orientation and circularity are those of the shape in µm (a disc has an eccentricity of 0), whose
        perimeter Crofton's formula gives.

        With pixels, for each channel ``<name>_mean``, ``_std``, ``_min``, ``_max`` and ``_sum`` (integrated
        intensity), in the units of the image.

    Raises
    ------
    InputError
        If labels, image and channel names do not fit together.

    Notes
    -----
    Areas, moments, perimeter and hull are defined as in scikit-image (``regionprops``), and equal its values.

    References
    ----------
    .. [1] K. Benkrid, D. Crookes, Design and FPGA Implementation of a Perimeter Estimator, Queen's University of
       Belfast, 2000.
    """
    if isinstance(labels, LabelMap):
        pixel_size = pixel_size or labels.pixel_size
        labels = labels.labels
    if isinstance(pixels, Image):
        pixel_size, channels = pixel_size or pixels.pixel_size, channels or pixels.channels
        pixels = pixels.read()
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise InputError(
            f"Objects are measured in a label image (H, W) of integers, not {labels.shape} {labels.dtype}."
        )
    aspect = _SQUARE if pixel_size is None else _aspect(pixel_size)
    runs = find_runs(labels)
    area = runs.sums(runs.stop - runs.start).astype(np.int64)
    table: Table = {"label": runs.numbers.astype(np.int64)}
    y, x = _centroid(runs, area)
    table |= {"y_px": y, "x_px": x, **_box(runs), "area_px": area}
    table["equivalent_diameter_px"] = np.sqrt(4 * area / np.pi)
    table["perimeter_px"] = outline = perimeters(labels, runs.numbers)
    moments = _second_moments(runs, area, y, x)
    table["major_axis_px"], table["minor_axis_px"] = _axes(*moments)
    # Shapes have no unit, but where pixels are not square only true lengths give them.
    yy, xx, yx = _scaled(moments, *aspect)
    long, short = _axes(yy, xx, yx)
    outline = outline if aspect == _SQUARE else crofton_perimeters(labels, runs.numbers, aspect)
    table["eccentricity"] = np.sqrt(1 - np.divide(short, long, out=np.ones_like(long), where=long > 0) ** 2)
    table["orientation_deg"] = np.degrees(0.5 * np.arctan2(2 * yx, yy - xx))
    table["solidity"] = area / hull_areas(runs)
    round_ = np.full(len(area), np.nan)
    np.divide(4 * np.pi * area * aspect[1], outline**2, out=round_, where=outline > 0)
    table["circularity"] = round_
    region, (height, width) = part or Region(0, 0, *labels.shape), whole or labels.shape
    for axis, first, ends in (("y", region.y, ("top", "bottom")), ("x", region.x, ("left", "right"))):
        for name in (axis, *ends):
            table[f"{name}_px"] = table[f"{name}_px"] + first
    at_border = (table["top_px"] == 0) | (table["left_px"] == 0)
    table["touches_border"] = at_border | (table["bottom_px"] == height) | (table["right_px"] == width)
    if pixel_size is not None:
        table |= _micrometres(table, moments, outline, pixel_size)
    if pixels is not None:
        read, count = pixel_reader(pixels, region)
        table |= intensity_columns(intensities(labels, runs.numbers, read), channels, count)
    return table


_SQUARE = (1.0, 1.0)


def _aspect(size: PixelSize) -> tuple[float, float]:
    """Height and width of a pixel, in heights."""
    return _SQUARE if np.isclose(size.y, size.x, rtol=1e-3) else (1.0, size.x / size.y)


def _centroid(runs: Runs, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = (runs.stop - runs.start).astype(np.float64)
    middle = (runs.start.astype(np.float64) + runs.stop - 1) / 2
    return runs.sums(runs.row * length) / area, runs.sums(middle * length) / area


def _box(runs: Runs) -> Table:
    n = len(runs.numbers)
    box = {}
    for name, values, better, start in (
        ("top_px", runs.row, np.minimum, np.iinfo(np.int64).max),
        ("left_px", runs.start, np.minimum, np.iinfo(np.int64).max),
        ("bottom_px", runs.row.astype(np.int64) + 1, np.maximum, 0),
        ("right_px", runs.stop, np.maximum, 0),
    ):
        box[name] = np.full(n, start, np.int64)
        better.at(box[name], runs.item, values)
    return box


def _second_moments(runs: Runs, area: np.ndarray, y: np.ndarray, x: np.ndarray) -> Moments:
    """Variances along y and x, and covariance, of the pixel centres; pixels²."""
    length = (runs.stop - runs.start).astype(np.float64)
    dy = runs.row - y[runs.item]
    dx = (runs.start.astype(np.float64) + runs.stop - 1) / 2 - x[runs.item]
    # Within a run of L pixels, x varies by (L² - 1) / 12 about its middle.
    within = (length**2 - 1) / 12
    terms = (dy**2 * length, (dx**2 + within) * length, dy * dx * length)
    yy, xx, yx = (runs.sums(term) / area for term in terms)
    return yy, xx, yx


def _scaled(moments: Moments, y: float, x: float) -> Moments:
    """The moments in another unit of length along y and x."""
    yy, xx, yx = moments
    return yy * y**2, xx * x**2, yx * y * x


def _axes(yy: np.ndarray, xx: np.ndarray, yx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Major and minor axis of the ellipse with these second moments."""
    mean, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
    return 4 * np.sqrt(mean + spread), 4 * np.sqrt(np.maximum(mean - spread, 0))


# What a pixel of the border adds, by 1 + 2 x its border neighbours beside it + 10 x those across corners.
_PERIMETER = np.zeros(50)
_PERIMETER[[5, 7, 15, 17, 25, 27]] = 1
_PERIMETER[[21, 33]] = np.sqrt(2)
_PERIMETER[[13, 23]] = (1 + np.sqrt(2)) / 2


def perimeters(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The perimeter of each object, as if it were alone.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers.
    numbers : ndarray of int, shape (n,)
        Those to measure, ascending: all of `labels` above 0.

    Returns
    -------
    ndarray of float, shape (n,)
        Pixels; 0 for objects of one or two pixels.
    """
    total = np.zeros(len(numbers))
    for region in strips(labels.shape):
        # Two rows more on either side: whether a neighbour is at the border depends on its own neighbours.
        low, high = max(region.y - 2, 0), min(region.stop_y + 2, labels.shape[0])
        padded = np.zeros((region.height + 4, region.width + 2), labels.dtype)
        padded[low - region.y + 2 : high - region.y + 2, 1:-1] = labels[low:high]
        inner = padded[1:-1, 1:-1]
        differs = padded[:-2, 1:-1] != inner
        for other in (padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
            differs |= other != inner
        border = np.zeros(padded.shape, bool)
        border[1:-1, 1:-1] = differs & (inner > 0)
        # The two rows more are only looked at.
        y, x = np.nonzero(border[2:-2])
        y += 2
        own = padded[y, x]
        code = np.ones(len(y), np.intp)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if dy or dx:
                    alike = border[y + dy, x + dx] & (padded[y + dy, x + dx] == own)
                    code += (10 if dy and dx else 2) * alike
        total += np.bincount(np.searchsorted(numbers, own), _PERIMETER[code], len(numbers))
    return total


def crofton_perimeters(labels: np.ndarray, numbers: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """The perimeters where pixels are not square, from how often lines in four directions cross each outline.

    Parameters
    ----------
    labels, numbers
        As for `perimeters`.
    spacing : (float, float)
        Height and width of a pixel.

    Returns
    -------
    ndarray of float, shape (n,)
        In the unit of `spacing` (Crofton's formula: the outline is π times the mean width over all directions).
    """
    height, width = spacing
    corner = np.arctan2(height, width)
    oblique = height * width / np.hypot(height, width)
    total = np.zeros(len(numbers))
    for region in strips(labels.shape):
        # With the row before, and with empty pixels around the image.
        above, last = max(region.y - 1, 0), region.stop_y == labels.shape[0]
        block = np.pad(labels[above : region.stop_y], ((region.y == 0, last), (1, 1)))
        # Of each direction: a pixel and the next, the share of angles nearest to it, and how far its lines are apart.
        for first, second, share, apart in (
            (block[1:, :-1], block[1:, 1:], corner / np.pi, height),
            (block[:-1], block[1:], 1 / 2 - corner / np.pi, width),
            (block[:-1, :-1], block[1:, 1:], 1 / 4, oblique),
            (block[:-1, 1:], block[1:, :-1], 1 / 4, oblique),
        ):
            crossed = first != second
            ends = np.concatenate([first[crossed], second[crossed]])
            crossings = np.bincount(np.searchsorted(numbers, ends[ends > 0]), minlength=len(numbers))
            total += np.pi * share * apart * crossings / 2
    return total


def _micrometres(table: Table, moments: Moments, outline: np.ndarray, size: PixelSize) -> Table:
    """Lengths in µm; `outline` is in heights of a pixel."""
    area = table["area_px"] * size.y * size.x
    long, short = _axes(*_scaled(moments, size.y, size.x))
    return {
        "y_um": table["y_px"] * size.y,
        "x_um": table["x_px"] * size.x,
        "area_um2": area,
        "equivalent_diameter_um": np.sqrt(4 * area / np.pi),
        "major_axis_um": long,
        "minor_axis_um": short,
        "perimeter_um": outline * size.y,
    }


def pixel_reader(pixels: np.ndarray | Callable[[Region], np.ndarray], part: Region) -> tuple[Pixels, int]:
    """What reads regions of a part of an image ``(C, h, w)``, and how many channels it has."""
    shape = part.height, part.width
    if not isinstance(pixels, np.ndarray):
        read = pixels

        def shifted(region: Region) -> np.ndarray:
            return read(Region(part.y + region.y, part.x + region.x, region.height, region.width))

        return shifted, len(shifted(Region(0, 0, 1, 1)))
    array = pixels[None] if pixels.ndim == 2 else pixels
    if array.ndim != 3 or array.shape[1:] != shape:
        raise InputError(f"The image {pixels.shape} and the labels {shape} are not of one height and width.")
    return lambda region: array[:, region.y : region.stop_y, region.x : region.stop_x], len(array)


def intensity_columns(found: Table, channels: Sequence[str], count: int, of: str = "") -> Table:
    """What `intensities` found, column by column; `of` stands behind the name of the channel."""
    if channels and len(channels) != count:
        raise InputError(f"{number_of(len(channels), 'channel name')} for {number_of(count, 'channel')}.")
    names = list(channels) or (["intensity"] if count == 1 else [f"channel{c}" for c in range(count)])
    often = Counter(names)
    names = [f"{name}{c}" if often[name] > 1 else name for c, name in enumerate(names)]
    columns: Table = {}
    for c, name in enumerate(names):
        for kind in ("mean", "std", "min", "max", "sum"):
            columns[f"{name}{of}_{kind}"] = found[kind][c] if found else np.zeros(0)
    return columns
